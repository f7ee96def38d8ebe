"""The person's way through the page: choice, consent, screens of providers, languages and themes (protocol-rest.md section 11)."""

import pytest

from .test_person_page import page_of


def test_the_person_chooses_among_what_is_offered_in_its_order(backend, new_person):
    made = backend.create(allowedProviders=["sbid", "nbid"], requestDomain=None)
    person = new_person()
    page = person.open(made)
    assert page.heading == "How do you want to identify yourself?"
    assert f"{backend.owner.owner_id} asks who you are." in page.words
    assert page.forms[0].buttons == [("Swedish BankID", "provider", "sbid"), ("Norwegian BankID", "provider", "nbid")]
    person.press("Swedish BankID")
    assert person.page.heading == "Who do you want to be?"
    assert person.page.forms[0].fields.items() >= {"person": "se-1", "outcome": "success"}.items()
    assert backend.get(made["id"])["provider"] == "sbid"


def test_with_one_provider_there_is_nothing_to_choose(backend, new_person):
    person = new_person()
    assert person.open(backend.create(allowedProviders=["mitid"])).heading == "Who do you want to be?"


def test_the_policy_says_who_is_offered(make_backend, new_person):
    backend = make_backend(providers=["otp-email", "nbid"])
    person = new_person()
    person.open(backend.create())
    assert [words for words, _, _ in person.page.forms[0].buttons] == ["Code by e-mail", "Norwegian BankID"]


def test_a_provider_that_was_switched_off_is_not_offered_any_more(backend, new_person):
    made = backend.create(allowedProviders=["sbid", "nbid", "mitid"])
    backend.owner.call("PATCH", "/v1/providers/sbid", 200, {"enabled": False})
    person = new_person()
    person.open(made)
    assert [words for words, _, _ in person.page.forms[0].buttons] == ["Norwegian BankID", "MitID"]
    backend.owner.call("PATCH", "/v1/providers/nbid", 200, {"enabled": False})
    person.go(page_of(made))
    assert person.page.heading == "Who do you want to be?"
    backend.owner.call("PATCH", "/v1/providers/mitid", 200, {"enabled": False})
    answer = person.go(page_of(made))
    assert answer.headers["location"] == f"https://shop.example/cb?status=error&sessionId={made['id']}"
    assert backend.get(made["id"])["error"]["code"] == "provider_unavailable"


def test_a_choice_that_the_sandbox_does_not_have_is_asked_for_again(backend, new_person):
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    person.press("Continue", person="xx-1")
    assert "Choose one of the persons and one of the endings." in person.page.words
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


def test_what_never_ends_can_be_looked_at_again_and_cancelled(backend, new_person, clock):
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    person.press("Continue", outcome="hang")
    for _ in range(3):
        assert person.page.heading == "One moment, please"
        clock.advance(2)
        assert person.http.get(f"{page_of(made)}/state").json() == {"moved": False}
        person.press("Look again")
    assert person.press("Cancel").headers["location"].startswith("https://shop.example/cb?status=abort&")


def test_a_waiting_page_hears_that_the_caller_cancelled(backend, new_person):
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    person.press("Continue", outcome="hang")
    backend.send("POST", f"/{made['id']}/cancel")
    assert person.http.get(f"{page_of(made)}/state").json() == {"moved": True}
    person.go(page_of(made))
    assert person.page.heading == "You are no longer asked"
    assert person.page.links["Continue to shop.example"].startswith("https://shop.example/cb?status=abort&")


def test_consent_is_asked_for_after_the_choice_and_once(make_backend, new_person):
    backend = make_backend(consent="always")
    made = backend.create(allowedProviders=["nbid", "sbid"], encryptionPublicKey=backend.key())
    person = new_person()
    person.open(made)
    person.press("Norwegian BankID")
    page = person.page
    assert page.heading == "Do you want to share this?"
    assert "You identify yourself with Norwegian BankID" in page.words
    for words in ("your first name", "your national identity number", "an identifier that stands for you", "is encrypted for"):
        assert words in page.words
    assert backend.get(made["id"]).get("provider") is None
    person.follow("Deutsch")
    assert person.page.heading == "Möchten Sie das mitteilen?"
    person.press("Zustimmen und weiter")
    assert backend.get(made["id"])["provider"] == "nbid"
    person.open(made)
    answer = person.press("Weiter")
    assert answer.headers["location"].startswith("https://shop.example/cb?status=success&")


def test_who_does_not_agree_is_not_identified(make_backend, new_person):
    backend = make_backend(consent="always")
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    assert person.page.heading == "Do you want to share this?"
    fields = person.page.forms[0].fields
    person.go(f"{page_of(made)}/choose", data=fields)
    assert person.page.heading == "Do you want to share this?"
    assert person.press("Cancel").headers["location"].startswith("https://shop.example/cb?status=abort&")
    assert "provider" not in backend.get(made["id"])


def test_what_one_person_agreed_to_another_has_not(make_backend, new_person):
    backend = make_backend(consent="always")
    made = backend.create(allowedProviders=["nbid", "sbid"])
    first, second = new_person(), new_person()
    first.open(made)
    first.press("Norwegian BankID")
    first.press("Agree and continue")
    second.open(made)
    fields = second.page.forms[0].fields
    second.go(f"{page_of(made)}/choose", data={**fields, "provider": "nbid"})
    assert second.page.heading == "Do you want to share this?"


def test_a_code_by_mail_is_asked_for_step_by_step(backend, new_person, clock):
    backend.owner.call("POST", "/v1/providers", 201, {"provider_id": "mail", "kind": "email_otp", "display_name": "E-mail"})
    made = backend.create(allowedProviders=["mail"], requestedAttributes=["email"])
    person = new_person()
    person.open(made)
    assert person.page.heading == "What is your e-mail address?"
    person.press("Send the code", email="nobody")
    assert "This is not an e-mail address." in person.page.words
    person.press("Send the code", email="Ada@shop.example")
    assert "A•••@s•••.example" in person.page.words
    assert "A new code can be sent in 30 seconds." in person.page.words
    person.press("Confirm", code="12345")
    assert "The code has 6 digits." in person.page.words
    person.press("Confirm", code="000000")
    assert "This is not the code that we sent." in person.page.words
    assert "Attempts left: 2" in person.page.words
    person.press("Send a new code")
    assert "Wait a little" in person.page.words
    clock.advance(20)
    person.go(page_of(made))
    assert "A new code can be sent in 10 seconds." in person.page.words
    clock.advance(11)
    person.go(page_of(made))
    assert "A new code can be sent" not in person.page.words
    person.press("Send a new code")
    person.press("Use another address")
    assert person.page.heading == "What is your e-mail address?"
    person.press("Send the code", email="ada@shop.example")
    answer = person.press("Confirm", code=" 123 456 ")
    assert answer.headers["location"].startswith("https://shop.example/cb?status=success&")
    told = backend.get(made["id"])
    assert (told["subject"]["email"], told["subject"]["idpId"], told["loa"]) == ("ada@shop.example", "ada@shop.example", "low")


def test_a_code_that_is_wrong_too_often_ends_the_session(backend, new_person):
    backend.owner.call("POST", "/v1/providers", 201, {"provider_id": "mail", "kind": "email_otp"})
    made = backend.create(allowedProviders=["mail"])
    person = new_person()
    person.open(made)
    person.press("Send the code", email="ada@shop.example")
    person.press("Confirm", code="000000")
    person.press("Confirm", code="000000")
    answer = person.press("Confirm", code="000000")
    assert answer.headers["location"].startswith("https://shop.example/cb?status=error&")
    person.go(page_of(made))
    assert "The code was wrong too often." in person.page.words


@pytest.mark.parametrize(
    ("language", "header", "heading"),
    [
        ("nb", "fi", "Hvordan vil du identifisere deg?"),
        ("no-NO", "", "Hvordan vil du identifisere deg?"),
        ("xx", "fi-FI,fi;q=0.9,en;q=0.8", "Miten haluat tunnistautua?"),
        (None, "da", "Hvordan vil du identificere dig?"),
        (None, "", "How do you want to identify yourself?"),
    ],
)
def test_the_page_speaks_the_sessions_language_else_the_browsers(backend, new_person, language, header, heading):
    made = backend.create(allowedProviders=["nbid", "sbid"], language=language)
    person = new_person(**{"Accept-Language": header})
    person.open(made)
    assert person.page.heading == heading


def test_another_language_is_kept_to_the_end_and_told_to_the_provider(backend, new_person):
    made = backend.create(allowedProviders=["nbid", "sbid"], language="en")
    person = new_person()
    person.open(made)
    assert list(person.page.links)[1:] == [
        *("English", "Dansk", "Deutsch", "Español", "Français", "Nederlands", "Norsk", "Suomi", "Svenska")
    ]
    person.follow("Svenska")
    assert person.page.heading == "Hur vill du legitimera dig?"
    person.press("Norwegian BankID")
    assert person.page.heading == "Vem vill du vara?"
    person.press("Fortsätt")
    person.go(page_of(made))
    assert person.page.heading == "Du har legitimerat dig"
    other = backend.create(allowedProviders=["nbid", "sbid"], language="en")
    person.open(other)
    assert person.page.heading == "How do you want to identify yourself?"


def test_the_page_that_is_not_there_speaks_too(server, new_person):
    person = new_person()
    person.go("/auth/session/019aa5b2-6c00-7d3e-8f4a-5b6c7d8e9f01?key=x")
    person.follow("Suomi")
    assert (person.answer.status_code, person.page.heading) == (404, "Täällä ei ole mitään")


def test_a_theme_is_the_sessions_else_the_accounts(backend, new_person, server):
    backend.owner.call("POST", "/v1/themes", 201, {"theme_id": "winter", "colors": {"accent": "#004488"}, "font": "serif"})
    person = new_person()
    person.open(backend.create(allowedProviders=["nbid", "sbid"], themeId="winter"))
    assert "--accent: #004488;" in person.answer.text
    person.open(backend.create(allowedProviders=["nbid", "sbid"], themeId="gone"))
    assert "--accent: #1a55b0;" in person.answer.text
    logo = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
    backend.owner.call("POST", "/v1/themes", 201, {"theme_id": "default", "logo": logo})
    person.open(backend.create(allowedProviders=["nbid", "sbid"], themeId="gone"))
    assert f'alt="{backend.owner.owner_id}"' in person.answer.text
    source = person.answer.text.partition('class="logo" src="')[2].partition('"')[0]
    assert server.http.get(source).headers["content-type"] == "image/svg+xml"
