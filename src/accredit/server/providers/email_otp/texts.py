"""What the letter with a code says, in the languages of the page."""

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """subject and body of a letter; `{code}` and `{minutes}` stand for what they name."""

    subject: str
    body: str


TEXTS: Mapping[str, Text] = {
    "en": Text(
        "Your code",
        "Your code is {code}\n\nIt is valid for {minutes} minutes. Enter it on the page that asked you for it, and tell it to nobody."
        "\n\nIf you did not ask for a code, you can ignore this message.\n",
    ),
    "nb": Text(
        "Koden din",
        "Koden din er {code}\n\nDen er gyldig i {minutes} minutter. Skriv den inn på siden som ba om den, og ikke gi den til noen."
        "\n\nHar du ikke bedt om en kode, kan du se bort fra denne meldingen.\n",
    ),
    "sv": Text(
        "Din kod",
        "Din kod är {code}\n\nDen gäller i {minutes} minuter. Skriv in den på sidan som bad om den, och ge den inte till någon."
        "\n\nOm du inte har bett om någon kod kan du bortse från det här meddelandet.\n",
    ),
    "da": Text(
        "Din kode",
        "Din kode er {code}\n\nDen gælder i {minutes} minutter. Indtast den på den side, der bad om den, og giv den ikke til nogen."
        "\n\nHar du ikke bedt om en kode, kan du se bort fra denne besked.\n",
    ),
    "fi": Text(
        "Koodisi",
        "Koodisi on {code}\n\nSe on voimassa {minutes} minuuttia. Syötä se sivulle, joka pyysi sitä, äläkä kerro sitä kenellekään."
        "\n\nJos et pyytänyt koodia, voit jättää tämän viestin huomiotta.\n",
    ),
    "nl": Text(
        "Uw code",
        "Uw code is {code}\n\nDe code is {minutes} minuten geldig. Vul hem in op de pagina die erom vroeg en geef hem aan niemand."
        "\n\nHebt u geen code aangevraagd, dan kunt u dit bericht negeren.\n",
    ),
    "de": Text(
        "Ihr Code",
        "Ihr Code lautet {code}\n\nEr gilt {minutes} Minuten. Geben Sie ihn auf der Seite ein, die danach gefragt hat, und sagen Sie "
        "ihn niemandem.\n\nWenn Sie keinen Code angefordert haben, können Sie diese Nachricht ignorieren.\n",
    ),
    "fr": Text(
        "Votre code",
        "Votre code est {code}\n\nIl est valable {minutes} minutes. Saisissez-le sur la page qui vous l’a demandé et ne le "
        "communiquez à personne.\n\nSi vous n’avez pas demandé de code, ignorez ce message.\n",
    ),
    "es": Text(
        "Su código",
        "Su código es {code}\n\nEs válido durante {minutes} minutos. Introdúzcalo en la página que se lo pidió y no se lo diga a "
        "nadie.\n\nSi no ha pedido ningún código, puede ignorar este mensaje.\n",
    ),
}


def find_text(language: str) -> tuple[str, Text]:
    """The text of a language and what that language is, English where there is none."""
    primary = language.partition("-")[0].lower()
    name = {"no": "nb"}.get(primary, primary)
    return (name, TEXTS[name]) if name in TEXTS else ("en", TEXTS["en"])
