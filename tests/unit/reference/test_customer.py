import pytest

import accredit
from accredit.reference import read_customer_reference


@pytest.mark.parametrize(
    "text", ["a", " a ", "user-é", "user-e\u0301", "😀", "a" * 255, "é" * 127, "\xa0", "a\u200bb", "\ufeffa", "a.b.c"]
)
def test_counts_byte_for_byte(text: str) -> None:
    assert read_customer_reference(text) == text.encode()


FORBIDDEN = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]


@pytest.mark.parametrize(
    "text", ["", "a" * 256, "é" * 128, "\ud800", "a\udfff", *(f"a{letter}b" for letter in FORBIDDEN), *FORBIDDEN]
)
def test_refuses_what_is_no_reference(text: str) -> None:
    with pytest.raises(accredit.MalformedError) as error:
        read_customer_reference(text)
    assert (error.value.code, error.value.member) == ("customer_reference_invalid", "customer_reference")


@pytest.mark.parametrize("value", [None, 42, b"a", ["a"]])
def test_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(accredit.MalformedError, match="customer_reference_invalid"):
        read_customer_reference(value)  # type: ignore[arg-type]
