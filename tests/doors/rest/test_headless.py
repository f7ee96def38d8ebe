"""Headless sessions: started after the commit, asked again by whoever polls (protocol-rest.md sections 5, 7, 11 and 12)."""

import json
from pathlib import Path

import pytest

from .test_create import problem

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/rest.json").read_text(encoding="utf-8"))
HEADLESS = {"flow": "headless", "callbackUrls": None, "allowedProviders": ["sbid"]}


def test_the_caller_draws_what_the_provider_says_and_polls(backend, clock):
    made = backend.create(**HEADLESS, encryptionPublicKey=backend.key())
    assert (made["status"], made["provider"]) == ("WAITING_FOR_USER", "sbid")
    assert set(made["idpData"]) == {"autoStartToken", "qrData", "sbidStatus"}
    assert made["transactionId"]
    again = backend.get(made["id"])
    assert again == made
    clock.advance(1)
    later = backend.get(made["id"])
    assert later["idpData"]["qrData"] != made["idpData"]["qrData"]
    clock.advance(1)
    done = backend.get(made["id"])
    assert (done["status"], done["subject"]["firstName"]) == ("SUCCESS", "Märta")
    assert "idpData" not in done
    assert "environment" not in done


def test_a_provider_is_asked_once_a_second_whoever_polls(backend, clock):
    made = backend.create(**HEADLESS)
    clock.advance(1)
    first, second = backend.get(made["id"]), backend.get(made["id"])
    assert first["idpData"] == second["idpData"]
    assert backend.server.rows("SELECT revision FROM rest_sessions") == [(3,)]


@pytest.mark.parametrize("outcome", VECTORS["sandbox_outcomes"], ids=lambda each: each["outcome"])
def test_every_end(start_server, sqlite_url, clock, outcome):
    """Scenario 12, headless."""
    from ...rest_backend import make_backend

    backend = make_backend(start_server(sqlite_url).owner(environment="sandbox"))
    parameters = {"sandbox_outcome": outcome["outcome"], "sandbox_after": "0"}
    made = backend.create(**HEADLESS, additionalParameters=parameters, encryptionPublicKey=backend.key())
    clock.advance(1)
    session = backend.get(made["id"])
    assert session["status"] == outcome["status"]
    assert session.get("statusDetail") == outcome.get("statusDetail")
    assert session.get("error", {}).get("code") == outcome.get("error_code")
    if "subject_members" in outcome:
        assert list(session["subject"]) == outcome["subject_members"]
    if "audit" in outcome:
        (entry,) = backend.owner.call("GET", "/v1/audit?kind=session.failed")["entries"]
        assert (entry["code"], entry["detail"]) == (outcome["statusDetail"], {"reason": outcome["audit"]})


def test_exactly_one_provider(backend):
    answer = backend.post(backend.body(**{**HEADLESS, "allowedProviders": ["sbid", "nbid"]}))
    (fault,) = problem(answer, 400, "invalid_request_parameter")["invalidParams"]
    assert (fault["name"], fault["code"]) == ("allowedProviders", "length")


def test_a_provider_that_is_switched_off_meanwhile_ends_the_session(backend, clock):
    made = backend.create(**HEADLESS)
    backend.owner.call("PATCH", "/v1/providers/sbid", 200, {"enabled": False})
    clock.advance(2)
    session = backend.get(made["id"])
    assert (session["status"], session["statusDetail"]) == ("ERROR", "provider_unavailable")


def test_cancelled_while_waiting(backend, clock):
    made = backend.create(**HEADLESS)
    assert backend.send("POST", f"/{made['id']}/cancel").json()["status"] == "CANCELLED"
    clock.advance(5)
    assert backend.get(made["id"])["status"] == "CANCELLED"
