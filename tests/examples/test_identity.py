"""Identity signatures that the samples make: taken by the library and by a server, and never made without the secret."""

import random
import time

import pytest

import accredit
from accredit.encoding import b64_encode

SECRET = b64_encode(random.Random(7).randbytes(32))
HELD = accredit.IdentitySecret.from_base64(SECRET, "key_1")
CP, CPD, EMAIL, ORIGIN = "cp_" + "A" * 21, "cpd_" + "B" * 21, "jane@example.com", "https://shop.example"
EMAILS = (EMAIL, "Zoë+Tag@exämple.com", '🙂 "Jane" \\ <j@x.example>')
FIELDS = {
    "email": "zoë@x.example",
    "first_name": 'Zoë "Z" \\ O’Neill / <b> 🙂',
    "address_1": "1 High St\nFlat\t2\x01\x08\x0c\x7f\u2028",
    "broadband.provider": "Virgin = Media",
    "number_of_children": "2",
    "page": "energy",
    "locale": "en_GB",
}


def verify(signature, fields, origin=None):
    boot = accredit.read_boot_body({"cp_id": CP, "cp_deployment_id": CPD, "signature": signature, **fields})
    return accredit.verify_identity(boot.signature, [HELD], boot, now=int(time.time()), window_s=10, origin=origin)


def test_the_library_takes_version_1(printed):
    nonces = set()
    for email in EMAILS:
        verified = verify(printed("identity/sign", CP, CPD, email, IDENTITY_SECRET=SECRET), {"email": email})
        assert (verified.version, verified.email) == (1, email)
        nonces.add(verified.nonce)
    assert len(nonces) == len(EMAILS)


def test_without_an_e_mail_the_user_is_anonymous(printed):
    signature = printed("identity/sign", CP, CPD, IDENTITY_SECRET=SECRET)
    assert verify(signature, {}).email is None
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        verify(signature, {"email": EMAIL})


def arguments_of(fields):
    return [f"{name}={value}" for name, value in fields.items()]


def test_the_library_takes_version_2(printed):
    environ = {"IDENTITY_SECRET": SECRET, "IDENTITY_KEY_ID": "key_1"}
    signature = printed("identity/sign_v2", CP, CPD, ORIGIN, *arguments_of({**FIELDS, "surname": ""}), **environ)
    for line_end in ("\n", "\r\n"):
        posted = {**FIELDS, "address_1": FIELDS["address_1"].replace("\n", line_end)}
        verified = verify(signature, posted, ORIGIN)
        assert (verified.version, verified.origin_bound, verified.signed_fields) == (2, True, frozenset(FIELDS))
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        verify(signature, FIELDS, "https://copycat.example")
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        verify(signature, {**FIELDS, "page": "gas"}, ORIGIN)


def test_version_2_may_be_bound_to_no_origin_and_name_no_user(printed):
    fields = {"address_1": "one\r\ntwo\rthree", "first_name": "Jane"}
    environ = {"IDENTITY_SECRET": SECRET, "IDENTITY_KEY_ID": "key_1"}
    verified = verify(printed("identity/sign_v2", CP, CPD, "", *arguments_of(fields), **environ), fields, ORIGIN)
    assert (verified.email, verified.origin_bound) == (None, False)
    nobody = verify(printed("identity/sign_v2", CP, CPD, "", **environ), {}, ORIGIN)
    assert nobody.signed_fields == frozenset()


@pytest.mark.parametrize("program", ["identity/sign", "identity/sign_v2"])
@pytest.mark.parametrize(
    "environ", [{}, {"IDENTITY_SECRET": ""}, {"IDENTITY_SECRET": "secret_key"}], ids=["none", "empty", "text"]
)
def test_without_the_secret_nothing_is_signed(sample, program, environ):
    done = sample(program, CP, CPD, "", **environ, IDENTITY_KEY_ID="key_1")
    assert done.code != 0
    assert ":" not in done.out
    assert "v2." not in done.out


@pytest.mark.parametrize("program", ["identity/sign", "identity/sign_v2"])
def test_without_ids_the_usage_is_told(sample, program):
    done = sample(program, IDENTITY_SECRET=SECRET, IDENTITY_KEY_ID="key_1")
    assert done.code != 0
    assert done.out == ""
    assert "usage: " in done.err
    assert "CP_ID CP_DEPLOYMENT_ID" in done.err


def test_a_server_admits_whom_they_sign(printed, server):
    owner = server.owner()
    app = owner.boot_integration("cp_1", views=[{"id": "gas"}, {"id": "energy", "signed_only": True}], identity_origin="warn")
    secret, key_id = owner.identity_secret("cp_1")
    ids, environ = ("cp_1", app["integration_id"]), {"IDENTITY_SECRET": secret, "IDENTITY_KEY_ID": key_id}
    signed = {
        1: ({"email": EMAIL}, printed("identity/sign", *ids, EMAIL, **environ)),
        2: (FIELDS, printed("identity/sign_v2", *ids, ORIGIN, *arguments_of(FIELDS), **environ)),
    }
    for version, (fields, signature) in signed.items():
        body = owner.boot_fields(app, **fields, signature=signature)
        admitted = server.boot(body, origin=ORIGIN)
        assert admitted.status_code == 303, admitted.text
        code = admitted.headers["location"].partition("code=")[2]
        session = owner.call("POST", "/v1/exchange", 200, {"code": code})
        assert (session["uid"], session["trust"]) == (fields["email"], "signed")
        assert session["proof"] == {"kind": "identity", "version": version, "key_id": key_id}
        refused = server.boot({**body, "email": "mallory@example.com"}, origin=ORIGIN)
        assert refused.status_code == 403
