"""The words of the person's pages: every language says everything, and a person is shown the one that was asked for."""

import re

import pytest

from accredit.server.hosted.wording import choose_language, languages

ENGLISH = languages()["en"]


def test_the_languages_are_there():
    assert list(languages()) == ["en", "da", "de", "es", "fr", "nl", "nb", "fi", "sv"]


@pytest.mark.parametrize("code", languages())
def test_a_language_says_everything_and_fills_in_the_same(code):
    texts = languages()[code].texts
    assert texts.keys() == ENGLISH.texts.keys()
    for key, text in texts.items():
        assert text.strip() == text != ""
        assert fields(text) == fields(ENGLISH.texts[key]), key


def fields(text):
    return set(re.findall(r"\{([a-z]*)\}", text))


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_a_language_is_not_english_in_disguise(code):
    same = [key for key, text in languages()[code].texts.items() if text == ENGLISH.texts[key]]
    assert len(same) < 6, same


@pytest.mark.parametrize(
    ("wanted", "header", "code"),
    [
        (["nb"], "fi", "nb"),
        (["NO"], "", "nb"),
        (["nn-NO"], "", "nb"),
        (["de-AT"], "", "de"),
        (["sv_SE"], "", "sv"),
        ([None, "xx"], "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ([], "en;q=0.1, fi;q=0.5, da;q=0.2", "fi"),
        ([], "de;q=0, nl;q=0.001", "nl"),
        ([], "ja, ko;q=0.9", "en"),
        ([], "", "en"),
        ([], "*", "en"),
        ([], "de;q=5, fi;q=x, ;;,", "en"),
        ([""], "da", "da"),
    ],
)
def test_the_language_is_the_sessions_else_the_browsers_else_english(wanted, header, code):
    assert choose_language(wanted, header).code == code


def test_attributes_are_told_in_words_each_once():
    words = ENGLISH.attributes(["nin", "nin.value", "nin.issuingCountry", "18OrOlder", "address.locality", "nbidSid", "other"])
    assert words == [
        "your national identity number",
        "the country of your national identity number",
        "whether you are 18 or older",
        "your postal address",
        "a further detail: nbidSid",
        "a further detail: other",
    ]


@pytest.mark.parametrize("code", languages())
def test_common_attributes_have_words_in_each_language(code):
    """Those of protocol-rest.md section 13."""
    names = [
        "name",
        "firstName",
        "middleName",
        "lastName",
        "email",
        "phoneNumber",
        "gender",
        "nationality",
        "placeOfBirth",
        "dateOfBirth",
        "nin",
        "address",
    ]
    words = languages()[code].attributes(names)
    assert len(words) == len(names)
    assert not [text for text in words if any(name in text for name in names if name[-1].islower() and name != name.lower())]


def test_what_is_filled_in_is_no_markup():
    assert ENGLISH.say("choice.lead", who="<b>&") == "&lt;b&gt;&amp; asks who you are."
