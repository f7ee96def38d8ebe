"""Lists of sessions: what they say, how they are narrowed and paged (protocol-rest.md section 15)."""

import pytest

from ...rest_backend import AUTO, visit
from .test_create import faults


def ids(backend, **query):
    answer = backend.send("GET", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["sessions"]]


def test_a_list_is_plain_control_data_in_its_order(backend):
    key = backend.key()
    made = backend.create(
        encryptionPublicKey=key,
        tags=["b", "a"],
        externalReference="order 7",
        usageReference="team",
        allowedProviders=["nbid"],
        **AUTO,
    )
    visit(made)
    (item,) = backend.send("GET").json()["sessions"]
    assert list(item) == [
        *(
            "id",
            "accountId",
            "status",
            "flow",
            "provider",
            "tags",
            "externalReference",
            "usageReference",
            "createdAt",
            "updatedAt",
        ),
        *("expiresAt", "encryptionKeyThumbprint"),
    ]
    assert (item["id"], item["status"], item["tags"], item["provider"]) == (made["id"], "SUCCESS", ["b", "a"], "nbid")
    assert item["createdAt"] == "2027-01-15T08:00:00.000+00:00"


def test_a_list_is_paged_newest_first_and_stable_under_inserts(backend):
    made = [backend.create()["id"] for _ in range(5)]
    first = backend.send("GET", params={"limit": 2}).json()
    assert [each["id"] for each in first["sessions"]] == [made[4], made[3]]
    backend.create()
    second = backend.send("GET", params={"limit": 2, "cursor": first["nextCursor"]}).json()
    assert [each["id"] for each in second["sessions"]] == [made[2], made[1]]
    last = backend.send("GET", params={"limit": 2, "cursor": second["nextCursor"]}).json()
    assert [each["id"] for each in last["sessions"]] == [made[0]]
    assert "nextCursor" not in last
    assert len(ids(backend)) == 6


def test_a_list_is_narrowed(backend, clock):
    odd = ["a,b", 'a","b', "ä\n", "a", 'x"', "%"]
    tagged = backend.create(tags=odd)["id"]
    clock.advance(60)
    other = backend.create(tags=["b"], externalReference="order\u0000 7")["id"]
    clock.advance(60)
    ended = backend.create(allowedProviders=["sbid"], **AUTO)
    visit(ended)
    for tag in odd:
        assert ids(backend, tag=tag) == [tagged], tag
    assert ids(backend, tag="b") == [other]
    for tag in ("a,", '","', "A", "c", "_"):
        assert ids(backend, tag=tag) == []
    assert ids(backend, externalReference="order\u0000 7") == [other]
    assert ids(backend, provider="sbid") == ids(backend, status="SUCCESS") == [ended["id"]]
    assert ids(backend, status="CREATED") == [other, tagged]
    assert ids(backend, createdFrom="2027-01-15T08:01:00Z", createdTo="2027-01-15T08:02:00+00:00") == [other]
    assert ids(backend, createdFrom="2027-01-15T09:01:00+01:00") == [ended["id"], other]
    clock.advance(1200)
    assert ids(backend, status="CREATED") == []
    assert ids(backend, status="EXPIRED") == [other, tagged]


def test_a_list_is_of_one_account_and_environment(make_backend, server):
    backend, stranger = make_backend(), make_backend()
    stranger.create()
    assert ids(backend) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"limit": "0"}, ("limit", "value")),
        ({"limit": "101"}, ("limit", "value")),
        ({"limit": "٣"}, ("limit", "value")),
        ({"status": "success"}, ("status", "value")),
        ({"createdFrom": "2027-01-15"}, ("createdFrom", "format")),
        ({"createdTo": "yesterday"}, ("createdTo", "format")),
        ({"provider": "x" * 31}, ("provider", "length")),
        ({"tag": "x" * 101}, ("tag", "length")),
        ({"cursor": "x"}, ("cursor", "value")),
        ({"cursor": "ä"}, ("cursor", "value")),
    ],
)
def test_a_query_that_means_nothing(start_server, sqlite_url, query, fault):
    from ...rest_backend import make_backend

    backend = make_backend(start_server(sqlite_url).owner(environment="sandbox"))
    assert faults(backend.send("GET", params=query)) == [fault]


def test_a_cursor_is_bound_to_account_and_filters(make_backend):
    backend, stranger = make_backend(), make_backend()
    for each in (backend, stranger):
        for _ in range(2):
            each.create(tags=["a"])
    cursor = backend.send("GET", params={"limit": 1, "tag": "a"}).json()["nextCursor"]
    assert len(ids(backend, limit=1, tag="a", cursor=cursor)) == 1
    for each, query in (
        (backend, {}),
        (backend, {"tag": "b"}),
        (stranger, {"tag": "a"}),
        (backend, {"tag": "a", "cursor": f"{cursor}A"}),
    ):
        assert faults(each.send("GET", params={"limit": 1, "cursor": cursor, **query})) == [("cursor", "value")]
