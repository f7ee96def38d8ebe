"""The original's example, as it prints it, in a sandbox: scenario 1 of protocol-rest.md section 18."""

import json
from pathlib import Path

import jwcrypto.jwe
import jwcrypto.jwk

import accredit

from ...rest_backend import visit
from .test_create import problem

SAMPLE = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text(encoding="utf-8"))["keys"]["sample"][
    "private"
]
EXAMPLE = {
    "allowedProviders": ["nbid"],
    "flow": "redirect",
    "requestedAttributes": ["firstName", "lastName", "dateOfBirth", "nin"],
    "callbackUrls": {kind: f"https://postman-echo.com/get?status={kind}" for kind in ("success", "abort", "error")},
    "encryptionPublicKey": {"alg": "RSA-OAEP", "e": SAMPLE["e"], "kty": "RSA", "n": SAMPLE["n"], "use": "enc"},
}


def opened(answer):
    """The answer, opened alike by the sample's code and by our reader."""
    assert answer.headers["content-type"] == "application/jose"
    lengths = [len(part) for part in answer.text.split(".")]
    assert lengths == [70, 342, 22, lengths[3], 22]
    token = jwcrypto.jwe.JWE()
    token.deserialize(answer.text, key=jwcrypto.jwk.JWK(**SAMPLE))
    private = {**{name: SAMPLE[name] for name in SAMPLE if name != "key_ops"}, "alg": "RSA-OAEP", "use": "enc"}
    assert accredit.open_sealed(answer.text, [accredit.parse_decryption_key(private)]) == json.loads(token.payload)
    # What the sample prints: letters are right though it misreads UTF-8.
    return json.loads(token.payload.decode("unicode_escape"))


def test_the_original_s_example_is_created_finished_and_opened(backend):
    made = opened(backend.post(EXAMPLE))
    assert (made["status"], made["flow"]) == ("CREATED", "redirect")
    assert made["callbackUrls"]["success"] == f"https://postman-echo.com/get?status=success&sessionId={made['id']}"
    automatic = {**EXAMPLE, "additionalParameters": {"sandbox_auto": "true"}}
    made = opened(backend.post(automatic))
    assert visit(made).headers["location"] == made["callbackUrls"]["success"]
    session = opened(backend.send("GET", f"/{made['id']}"))
    assert session["status"] == "SUCCESS"
    subject = {**session["subject"], "id": "", "idpId": ""}
    nin = {"value": "17838549969", "issuingCountry": "NO", "type": "PERSON"}
    named = {"firstName": "Åse Synnøve", "lastName": "Ødegård", "dateOfBirth": "1985-03-17", "nin": nin}
    assert subject == {"id": "", "idpId": "", **named}


def test_in_live_its_published_key_is_refused(make_backend):
    """There is no sandbox provider there, and the key comes before any."""
    answer = make_backend("live").post({**EXAMPLE, "allowedProviders": None})
    (fault,) = problem(answer, 400, "invalid_request_parameter")["invalidParams"]
    assert (fault["name"], fault["code"]) == ("encryptionPublicKey", "key_denied")
