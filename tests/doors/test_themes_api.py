"""`/v1/themes` and the logos that pages load."""

import base64
import hashlib

import pytest

from accredit.server.themes.records import find_theme_of_session

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LOGO = f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}"


def test_a_theme_is_created_read_changed_and_deleted(server, clock):
    owner = server.owner()
    made = owner.call("POST", "/v1/themes", 201, {"theme_id": "winter", "name": "Winter", "colors": {"accent": "#004488"}})
    assert made["colors"]["accent"] == "#004488"
    assert made["colors"].keys() == {"background", "surface", "text", "soft_text", "line", "accent", "on_accent", "danger"}
    assert (made["dark_colors"], made["font"], made["logo_url"]) == (None, "system", None)
    clock.advance(5)
    changed = owner.call("PATCH", "/v1/themes/winter", 200, {"dark_colors": {}, "font": "serif", "logo": LOGO})
    assert changed["dark_colors"]["surface"] == "#1a1e23"
    assert (changed["colors"], changed["name"], changed["font"]) == (made["colors"], "Winter", "serif")
    assert changed["updated_at"] > made["updated_at"] == made["created_at"]
    assert owner.call("GET", "/v1/themes/winter") == changed
    assert owner.call("PATCH", "/v1/themes/winter", 200, {"logo": None, "dark_colors": None})["logo_url"] is None
    assert owner.call("PATCH", "/v1/themes/winter", 200, {"colors": {}})["colors"]["accent"] == "#1a55b0"
    owner.call("DELETE", "/v1/themes/winter", 204)
    for method in ("GET", "PATCH", "DELETE"):
        assert owner.call(method, "/v1/themes/winter", 404, {} if method == "PATCH" else None)["code"] == "theme_not_found"
    kinds = [entry["kind"] for entry in owner.call("GET", "/v1/audit")["entries"]]
    assert [kinds.count(f"theme.{word}") for word in ("created", "changed", "deleted")] == [1, 3, 1]


def test_themes_are_listed_in_pages_and_are_nobody_elses(server):
    owner, other = server.owner(), server.owner()
    for theme_id in ("c", "a", "b"):
        owner.call("POST", "/v1/themes", 201, {"theme_id": theme_id})
    made = other.call("POST", "/v1/themes", 201, {})
    assert made["theme_id"].startswith("thm_")
    first = owner.call("GET", "/v1/themes?limit=2")
    assert [each["theme_id"] for each in first["themes"]] == ["a", "b"]
    second = owner.call("GET", f"/v1/themes?limit=2&cursor={first['next_cursor']}")
    assert ([each["theme_id"] for each in second["themes"]], second["next_cursor"]) == (["c"], None)
    assert other.call("GET", "/v1/themes/a", 404)["code"] == "theme_not_found"
    assert owner.call("POST", "/v1/themes", 409, {"theme_id": "a"})["code"] == "theme_exists"
    assert other.call("GET", f"/v1/themes?cursor={first['next_cursor']}", 400)["code"] == "cursor_invalid"


@pytest.mark.parametrize(
    ("body", "code", "member"),
    [
        ({"colors": {"accent": "#ffee00"}}, "contrast_too_low", "colors.accent"),
        ({"dark_colors": {"text": "#333333"}}, "contrast_too_low", "dark_colors.text"),
        ({"colors": {"accent": "red"}}, "field_invalid", "colors.accent"),
        ({"colors": {"accent": "#00448855"}}, "field_invalid", "colors.accent"),
        ({"colors": {"shadow": "#000000"}}, "field_invalid", "colors.shadow"),
        ({"font": "https://fonts.example/a.woff2"}, "field_invalid", "font"),
        ({"logo": "https://shop.example/logo.png"}, "logo_invalid", "logo"),
        ({"theme_id": "a/b"}, "field_invalid", "theme_id"),
        ({"css": "body{}"}, "field_invalid", "css"),
    ],
)
def test_refuses_a_theme_that_people_could_not_read_or_that_loads_files(start_server, sqlite_url, body, code, member):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("POST", "/v1/themes", 400, body)
    assert (problem["code"], problem["member"]) == (code, member)
    owner.call("POST", "/v1/themes", 201, {"theme_id": "there"})
    if "theme_id" not in body:
        assert owner.call("PATCH", "/v1/themes/there", 400, body)["member"] == member
    assert owner.call("GET", "/v1/themes/there")["updated_at"] == owner.call("GET", "/v1/themes/there")["created_at"]


def test_a_change_must_be_readable_beside_what_stays(server):
    """The new background alone is refused, as the writing that is there already would not stand out from it."""
    owner = server.owner()
    owner.call("POST", "/v1/themes", 201, {"theme_id": "night"})
    problem = owner.call("PATCH", "/v1/themes/night", 400, {"colors": {"background": "#000000"}})
    assert (problem["code"], problem["member"]) == ("contrast_too_low", "colors.text")


def test_a_logo_is_served_as_an_image_and_nothing_else(server):
    owner = server.owner()
    url = owner.call("POST", "/v1/themes", 201, {"theme_id": "a", "logo": LOGO})["logo_url"]
    assert url == f"{server.url}/logos/{hashlib.sha256(SVG).hexdigest()}"
    answer = server.http.get(url)
    assert (answer.content, answer.headers["content-type"]) == (SVG, "image/svg+xml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert "immutable" in answer.headers["cache-control"]
    owner.call("DELETE", "/v1/themes/a", 204)
    assert server.http.get(url).status_code == 404
    assert server.http.get("/logos/" + "0" * 63).json()["code"] == "page_not_found"


def test_a_session_has_the_theme_it_names_else_the_default_one(server):
    owner = server.owner()
    found = lambda theme_id: server.run(server.node.store.read(find_theme_of_session, (owner.scope, theme_id)))  # noqa: E731
    owner.call("POST", "/v1/themes", 201, {"theme_id": "winter"})
    assert (found("winter").theme_id, found("gone"), found(None)) == ("winter", None, None)
    owner.call("POST", "/v1/themes", 201, {"theme_id": "default"})
    assert (found("winter").theme_id, found("gone").theme_id, found(None).theme_id) == ("winter", "default", "default")
