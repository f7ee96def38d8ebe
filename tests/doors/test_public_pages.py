"""What needs no key: documentation, the SDK, health, counters, and addresses that there are not."""

import gzip
import re
import time
from html.parser import HTMLParser

import pytest

from accredit.errors import CODES


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.scripts = [], [], 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag in ("a", "link"):
            self.targets.append(attributes["href"])
        self.scripts += tag == "script"


@pytest.fixture
def server(start_server, sqlite_url):
    return start_server(sqlite_url)


def read(server, path):
    answer = server.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    found = Links()
    found.feed(answer.text)
    assert found.scripts == 0
    assert " style=" not in answer.text
    return answer.text, found


def test_every_code_has_its_anchor(server):
    text, found = read(server, "/docs/errors")
    assert set(CODES) <= set(found.ids)
    for declared in CODES.values():
        assert declared.title.split("'")[0].split("`")[0] in text
    assert "`" not in text


def test_the_documentation_shows_every_operation_and_its_links_lead_somewhere(server):
    text, found = read(server, "/docs")
    document = server.http.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in text
        assert {described["operationId"] for described in methods.values()} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    _, errors = read(server, "/docs/errors")
    anchors = {"": set(found.ids), "/docs/errors": set(errors.ids)}
    for target in {*found.targets, *errors.targets}:
        path, _, anchor = target.partition("#")
        if anchor:
            assert anchor in anchors[path] or anchor in errors.ids, target
        else:
            assert server.http.get(path).status_code == 200


def test_a_public_url_with_a_path_is_part_of_every_link(start_server, sqlite_url):
    server = start_server(sqlite_url, public_url="https://id.example/accredit")
    for path in ("/docs", "/docs/errors"):
        _, found = read(server, path)
        assert all(target.startswith(("#", "/accredit/")) for target in found.targets)


def test_a_public_url_with_a_path_is_part_of_what_frames_load_and_post(start_server, sqlite_url):
    server = start_server(sqlite_url, public_url="https://id.example/accredit")
    owner = server.owner()
    fields = owner.fields(owner.integration(application_url=None), channel="AAAAAAAAAAAAAAAAAAAAAA")
    assert 'src="/accredit/sdk/accredit.js"' in server.embed(fields).text
    assert 'action="/accredit/embed"' in server.embed(fields, origin=None).text


def test_the_stylesheet(server):
    answer = server.http.get("/docs/style.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "prefers-color-scheme" in answer.text


def test_the_script_of_this_build(server):
    answer = server.http.get("/sdk/accredit.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=300"
    again = server.http.get("/sdk/accredit.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = server.http.get("/sdk/accredit.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    with server.http.stream("GET", "/sdk/accredit.js", headers={"Accept-Encoding": "gzip"}) as compressed:
        assert gzip.decompress(b"".join(compressed.iter_raw())) == plain.content


def test_the_script_of_a_version_never_changes(server):
    owner = server.owner()
    html = owner.call("GET", f"/v1/integrations/{owner.integration()['integration_id']}/snippet")["html"]
    path = re.search(re.escape(server.url) + r"(/sdk/[^/]+/accredit\.js)", html)[1]
    answer = server.http.get(path)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content == server.http.get("/sdk/accredit.js").content
    assert server.http.get("/sdk/0.0.0/accredit.js").json()["code"] == "page_not_found"


def test_health(server):
    assert server.http.get("/livez").text == "alive\n"
    assert server.http.get("/readyz").text == "ready\n"
    assert server.http.head("/readyz").status_code == 200


def test_counters_tell_codes_and_no_ids(server):
    owner = server.owner()
    integration = owner.integration(integration_id="secret-integration")
    owner.visit(integration, uid="secret-user")
    server.http.get("/v1/keys")
    text = server.metrics()
    assert 'accredit_refusals_total{code="invalid_token",door="api"}' in text
    assert 'accredit_sessions_opened_total{door="embed",trust="unverified"}' in text
    assert float(re.search(r"^accredit_commit_group_size_sum (\S+)$", text, re.M)[1]) >= 3
    assert "secret-" not in text


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/sessions/", "/v1/sessions/a/b", "/v1/keys/", "/docs/", "/%2e%2e/docs", "/V1/keys"]
)
def test_there_is_nothing_elsewhere(server, path):
    answer = server.owner().api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] in ("page_not_found", "session_not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/exchange", {"POST"}),
        ("/v1/sessions", {"GET", "HEAD"}),
        ("/docs", {"GET", "HEAD"}),
        ("/v1/sessions/x", {"GET", "HEAD"}),
    ],
)
def test_other_methods_are_told_which_there_are(server, path, allowed):
    for method in ("DELETE", "TRACE", "PURGE"):
        answer = server.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == allowed


def test_the_documentation_is_made_within_a_moment(server):
    begun = time.monotonic()
    server.http.get("/docs")
    server.http.get("/openapi.json")
    assert time.monotonic() - begun < 5
