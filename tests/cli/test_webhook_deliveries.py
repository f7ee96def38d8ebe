"""`accredit webhooks` test, probe, replay, deliveries, trigger and listen: against a receiver on loopback."""

import json
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import replace

import pytest

import accredit as library

from ..doors.conftest import Clock, start
from ..site import Reply, Site
from .conftest import ACCREDIT, ROOT_KEY

SANDBOX = ("--environment", "sandbox")


@pytest.fixture
def site():
    site = Site()
    site.paths["/hooks"] = lambda _: Reply(b"thanks", media_type="text/plain")
    yield site
    site.stop()


@pytest.fixture
def hooked(accredit, site):
    """Commands that may call this machine, on a database with an account, and its endpoint as it was made."""
    commands = replace(accredit, environ={"ACCREDIT_OUTBOUND_ALLOW": "127.0.0.0/8"})
    commands("account", "create", "Example Ltd")
    made = commands("webhooks", "create", site.url("/hooks"), *SANDBOX, "--json").json
    return commands, made


def test_a_sample_is_sent_and_told_of(hooked, site):
    commands, made = hooked
    told = commands("webhooks", "test", made["id"], *SANDBOX, "--type", "session.failed", "--json").json
    assert (told["outcome"], told["status"], told["response_excerpt"]) == ("succeeded", 200, "thanks")
    assert json.loads(site.requests[0].body)["type"] == "session.failed"
    site.paths["/hooks"] = lambda _: Reply(status=500)
    assert "status_500" in commands("webhooks", "test", made["id"], *SANDBOX, code=1).out
    assert "event_type_unknown" in commands("webhooks", "test", made["id"], *SANDBOX, "--type", "x", code=2).err
    assert "endpoint_not_found" in commands("webhooks", "test", made["id"], code=1).err


def test_a_probe_tells_who_verifies_from_who_does_not(hooked, site):
    commands, made = hooked
    done = commands("webhooks", "probe", made["id"], *SANDBOX, "--json", code=1).json
    assert [each["outcome"] for each in done["results"]] == ["passed", "failed", "failed", "failed", "failed"]

    def verify(request):
        try:
            library.verify_webhook(request.body, request.headers, secrets=[made["secret"]], now=int(request.headers[TIME]))
        except library.AccreditError:
            return Reply(status=401)
        return Reply()

    site.paths["/hooks"] = verify
    # Its clock is that of the request, so it takes what is stale.
    done = commands("webhooks", "probe", made["id"], *SANDBOX, code=1)
    assert [line.split()[0] for line in done.out.splitlines() if " failed " in line] == ["stale"]


TIME = "webhook-timestamp"


def test_an_event_that_was_triggered_is_delivered_by_the_server_and_replayed(hooked, site):
    commands, made = hooked
    triggered = commands("webhooks", "trigger", "session.success", "--json").json
    assert (triggered["type"], triggered["deliveries"]) == ("session.success", 1)
    assert commands("webhooks", "trigger", "key.leaked", "--json").json["deliveries"] == 0
    assert "event_type_unknown" in commands("webhooks", "trigger", "session.lost", code=2).err
    (listed,) = commands("webhooks", "deliveries", made["id"], *SANDBOX, "--json").json
    assert (listed["event_id"], listed["status"], listed["attempts"]) == (triggered["event_id"], "pending", 0)
    replayed = commands("webhooks", "replay", made["id"], *SANDBOX, "--event", triggered["event_id"], "--json").json
    assert replayed["count"] == 1
    assert commands("webhooks", "replay", made["id"], *SANDBOX, "--from", "1h", "--all", "--json").json["count"] == 1
    assert commands("webhooks", "replay", made["id"], *SANDBOX, "--from", "1h", "--json").json["count"] == 0
    assert len(commands("webhooks", "deliveries", made["id"], *SANDBOX, "--status", "pending", "--json").json) == 3
    assert commands("webhooks", "deliveries", made["id"], *SANDBOX, "--to", "1h", "--json").json == []
    shown = commands("webhooks", "deliveries", listed["id"], *SANDBOX, "--json").json
    assert (shown["delivery"], shown["attempts"]) == (listed, [])
    assert "delivery_not_found" in commands("webhooks", "deliveries", listed["id"], code=1).err
    assert site.requests == []


@pytest.mark.parametrize(
    "options", [(), ("--event", "evt_1", "--from", "1h"), ("--event", "evt_1", "--all"), ("--from", "then")]
)
def test_a_replay_is_of_an_event_or_of_a_range(hooked, options):
    commands, made = hooked
    assert "Usage:" in commands("webhooks", "replay", made["id"], *SANDBOX, *options, code=2).err


@pytest.fixture
def served(accredit, run, sqlite_url):
    """A server, an owner in its sandbox, and commands on the same database."""
    with ExitStack() as ending:
        server = start(ending, run, Clock(), sqlite_url, {})
        owner = server.owner(environment="sandbox")
        environ = {"ACCREDIT_DATABASE_URL": sqlite_url, "ACCREDIT_ROOT_KEY": ROOT_KEY, "ACCREDIT_API_KEY": owner.secret}
        yield replace(accredit, environ=environ), owner


@pytest.mark.parametrize("kind", ["accredit", "flow"])
def test_a_listener_forwards_what_happens_in_the_sandbox(served, site, kind):
    commands, owner = served
    wanted = ["--forward-to", site.url("/hooks"), "--server", owner.server.url, "--kind", kind, "--stop-after", "1"]
    with subprocess.Popen(
        [ACCREDIT, "webhooks", "listen", *wanted], env=commands.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "of the sandbox to" in process.stdout.readline()
        secret = process.stdout.readline().split()[2]
        commands("webhooks", "trigger", "session.success")
        told = process.stdout.read()
    assert process.returncode == 0
    (request,) = site.requests
    event = library.verify_webhook(request.body, request.headers, secrets=[secret], now=int(request.headers[TIME]))
    assert event.id in told
    assert "  200  " in told
    if kind == "flow":
        assert "authorization" in request.headers
    # It closed what it had opened, and its delivery is in nobody's way.
    assert owner.server.rows("SELECT COUNT(*) FROM webhook_endpoints") == [(0,)]
    assert owner.server.rows("SELECT status, attempts FROM deliveries") == [("succeeded", 1)]


def test_a_listener_that_is_interrupted_closes_itself(served, site):
    commands, owner = served
    process = subprocess.Popen(
        [ACCREDIT, "webhooks", "listen", "--forward-to", site.url("/hooks"), "--server", owner.server.url],
        env=commands.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out.splitlines()[-1]) == (0, "Stopped.")
    assert owner.server.rows("SELECT COUNT(*) FROM webhook_endpoints") == [(0,)]


def test_a_listener_says_why_it_cannot_listen(served):
    commands, owner = served
    to = ("webhooks", "listen", "--forward-to", "http://localhost:9/")
    live = owner.server.owner(owner.owner_id)
    (commands.directory / "live.key").write_text(live.secret)
    assert "sandbox_only" in commands(*to, "--server", owner.server.url, "--api-key", "live.key", code=2).err
    assert "endpoint_url_invalid" in commands(*to[:3], "nowhere", "--server", owner.server.url, code=2).err
    assert "connect_failed" in commands(*to, "--server", "http://127.0.0.1:9", code=3).err
    assert (
        "invalid_token" in replace(commands, environ={"ACCREDIT_API_KEY": "x"})(*to, "--server", owner.server.url, code=1).err
    )
    assert "--api-key" in replace(commands, environ={})(*to, code=2).err
