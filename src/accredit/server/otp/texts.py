"""What the letter or the text message with a code says, in the languages of the page."""

from collections.abc import Mapping
from typing import NamedTuple

from accredit.server.mail import Letter
from accredit.server.otp.codes import VALID_MS

_MINUTES = VALID_MS // 60_000


class Text(NamedTuple):
    """subject and body of a letter, and a text message; `{code}` and `{minutes}` stand for what they name."""

    subject: str
    body: str
    message: str


TEXTS: Mapping[str, Text] = {
    "en": Text(
        "Your code",
        "Your code is {code}\n\nIt is valid for {minutes} minutes. Enter it on the page that asked you for it, and tell it to nobody."
        "\n\nIf you did not ask for a code, you can ignore this message.\n",
        "{code} is your code. It is valid for {minutes} minutes. Tell it to nobody.",
    ),
    "nb": Text(
        "Koden din",
        "Koden din er {code}\n\nDen er gyldig i {minutes} minutter. Skriv den inn på siden som ba om den, og ikke gi den til noen."
        "\n\nHar du ikke bedt om en kode, kan du se bort fra denne meldingen.\n",
        "{code} er koden din. Den er gyldig i {minutes} minutter. Ikke gi den til noen.",
    ),
    "sv": Text(
        "Din kod",
        "Din kod är {code}\n\nDen gäller i {minutes} minuter. Skriv in den på sidan som bad om den, och ge den inte till någon."
        "\n\nOm du inte har bett om någon kod kan du bortse från det här meddelandet.\n",
        "{code} är din kod. Den gäller i {minutes} minuter. Ge den inte till någon.",
    ),
    "da": Text(
        "Din kode",
        "Din kode er {code}\n\nDen gælder i {minutes} minutter. Indtast den på den side, der bad om den, og giv den ikke til nogen."
        "\n\nHar du ikke bedt om en kode, kan du se bort fra denne besked.\n",
        "{code} er din kode. Den gælder i {minutes} minutter. Giv den ikke til nogen.",
    ),
    "fi": Text(
        "Koodisi",
        "Koodisi on {code}\n\nSe on voimassa {minutes} minuuttia. Syötä se sivulle, joka pyysi sitä, äläkä kerro sitä kenellekään."
        "\n\nJos et pyytänyt koodia, voit jättää tämän viestin huomiotta.\n",
        "{code} on koodisi. Se on voimassa {minutes} minuuttia. Älä kerro sitä kenellekään.",
    ),
    "nl": Text(
        "Uw code",
        "Uw code is {code}\n\nDe code is {minutes} minuten geldig. Vul hem in op de pagina die erom vroeg en geef hem aan niemand."
        "\n\nHebt u geen code aangevraagd, dan kunt u dit bericht negeren.\n",
        "{code} is uw code. De code is {minutes} minuten geldig. Geef hem aan niemand.",
    ),
    "de": Text(
        "Ihr Code",
        "Ihr Code lautet {code}\n\nEr gilt {minutes} Minuten. Geben Sie ihn auf der Seite ein, die danach gefragt hat, und sagen Sie "
        "ihn niemandem.\n\nWenn Sie keinen Code angefordert haben, können Sie diese Nachricht ignorieren.\n",
        "{code} ist Ihr Code. Er gilt {minutes} Minuten. Sagen Sie ihn niemandem.",
    ),
    "fr": Text(
        "Votre code",
        "Votre code est {code}\n\nIl est valable {minutes} minutes. Saisissez-le sur la page qui vous l’a demandé et ne le "
        "communiquez à personne.\n\nSi vous n’avez pas demandé de code, ignorez ce message.\n",
        "{code} est votre code. Il est valable {minutes} minutes. Ne le communiquez à personne.",
    ),
    "es": Text(
        "Su código",
        "Su código es {code}\n\nEs válido durante {minutes} minutos. Introdúzcalo en la página que se lo pidió y no se lo diga a "
        "nadie.\n\nSi no ha pedido ningún código, puede ignorar este mensaje.\n",
        "{code} es su código. Es válido durante {minutes} minutos. No se lo diga a nadie.",
    ),
}


def find_text(language: str) -> tuple[str, Text]:
    """The text of a language and what that language is, English where there is none."""
    primary = language.partition("-")[0].lower()
    name = {"no": "nb"}.get(primary, primary)
    return (name, TEXTS[name]) if name in TEXTS else ("en", TEXTS["en"])


def write_letter(email: str, code: str, language: str) -> Letter:
    """The letter with a code."""
    told, text = find_text(language)
    return Letter(email, text.subject, text.body.format(code=code, minutes=_MINUTES), told)


def write_message(code: str, language: str) -> str:
    """The text message with a code."""
    return find_text(language)[1].message.format(code=code, minutes=_MINUTES)
