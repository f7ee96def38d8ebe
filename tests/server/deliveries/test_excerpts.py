"""What is kept of answers: a little text, and nothing that looks like a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit import generate_webhook_secret
from accredit.server.events.excerpts import MAX_EXCERPT_BYTES, response_excerpt

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/html; charset=utf-8", "application/json", "application/problem+json", "TEXT/XML", "application/xml"],
)
def test_keeps_text(content_type: str) -> None:
    assert response_excerpt(content_type, b'{"error":"no such user"}') == '{"error":"no such user"}'


@pytest.mark.parametrize(
    "content_type", [None, "", "image/png", "application/octet-stream", "text", "textual/plain", "application/jose"]
)
def test_keeps_nothing_else(content_type: str | None) -> None:
    assert response_excerpt(content_type, b"text") is None
    assert response_excerpt("text/plain", b"") is None


@pytest.mark.parametrize(
    "secret",
    [
        generate_webhook_secret(), "accredit_live_api_" + "a1" * 24, "live_secret_" + "0f" * 32, "sk_live_abcdefgh", JWT,
        "kA7hI5JWsAxe7bG7fuZPLtM2rMe4PkvXq6CcH0d5HA7=", "0123456789abcdef" * 4,
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "expected {}, got none", '{{"error":"{}"}}', "Authorization: Bearer {}", "<p>{}</p>"])
def test_masks_what_has_the_form_of_a_secret(secret: str, around: str) -> None:
    excerpt = response_excerpt("text/plain", around.format(secret).encode())
    assert excerpt is not None
    assert secret not in excerpt
    assert secret[14:] not in excerpt
    assert "***" in excerpt


@pytest.mark.parametrize(
    "text", ["password=hunter2", '"api_key": "abcd1234"', "Authorization: Basic dXNlcjpwYXNz", "token: xyz-12345"]
)
def test_masks_what_is_called_a_secret(text: str) -> None:
    excerpt = response_excerpt("text/plain", text.encode())
    assert excerpt is not None
    assert excerpt.endswith(("***", '***"'))


@pytest.mark.parametrize(
    "text",
    [
        "no handler for flwses_1CPnqL7H8mAAxeVy5PPNqa", "request 01a1fd9e-6da9-7615-9692-e218bf991b1b failed", "signature mismatch",
            "bearer authentication required",
        "https://shop.example/hooks?x=1", "Unprocessable Entity", "token expired",
    ],
)  # fmt: skip
def test_leaves_what_helps_to_find_the_fault(text: str) -> None:
    assert response_excerpt("text/plain", text.encode()) == text


def test_replaces_what_would_change_how_a_log_is_shown() -> None:
    assert response_excerpt("text/plain", "a\x1b[31mb\x00c\u202ed\r\ne\xa0".encode()) == "a\ufffd[31mb\ufffdc\ufffdd  e\xa0"
    assert response_excerpt("text/plain", b"\xff\xfe") == "\ufffd\ufffd"


@given(st.binary(min_size=1, max_size=3000))
def test_any_octets_become_a_short_line(octets: bytes) -> None:
    excerpt = response_excerpt("text/plain", octets)
    assert excerpt is not None
    assert len(excerpt.encode()) <= MAX_EXCERPT_BYTES
    assert excerpt.isprintable() or any(character in "\xa0\u2028\u3000" or character.isspace() for character in excerpt)
