"""One session in two browsers: what a person began in one, nobody finishes in the other (protocol-rest.md section 11).

An attacker opens a session of its own, has a victim identify itself by the link, and wants to be told the nonce instead.
"""

from . import test_provider_return as returning

# A server that may ask a service on this machine, that service, and a backend that has it as a provider.
server, service, backend = returning.server, returning.service, returning.backend


def test_who_opens_the_page_of_a_waiting_attempt_begins_another(backend, service, new_person):
    victim, attacker = new_person(), new_person()
    service.says = {"status": "pending"}
    made = backend.create(allowedProviders=["ours"])
    for browser in (victim, attacker):
        browser.open(made)
    first, second = (asked["id"] for asked in service.heard)
    assert first != second
    assert victim.go(f"/auth/session/{made['id']}/state").status_code == 404
    service.says = returning.FOUND
    assert victim.go(service.heard[0]["return_url"]).status_code == 404
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


def test_who_was_overtaken_while_the_provider_was_asked_is_told_no_nonce(make_backend, backend, service, new_person):
    caller, (overtaken, owner) = make_backend(owner=backend.owner, session_nonce="always"), (new_person(), new_person())
    made = caller.create(allowedProviders=["ours", "nbid"], requestedAttributes=["firstName"])
    overtaken.open(made)
    overtaken.press("Our counter")
    address, ends = service.heard[0]["return_url"], []

    def finish_elsewhere():
        owner.open(made)
        owner.press("Norwegian BankID")
        ends.append(owner.press("Continue", person="no-1").headers["location"])

    service.says, service.meanwhile = returning.FOUND, finish_elsewhere
    answer = overtaken.go(address)
    nonce = caller.get(made["id"])["sessionNonce"]
    assert [nonce in location for location in ends] == [True]
    assert answer.status_code == 404
    assert nonce not in answer.text
    assert nonce not in str(answer.headers)
    assert caller.get(made["id"])["provider"] == "nbid"
