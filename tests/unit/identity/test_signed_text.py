"""The texts themselves, letter for letter."""

import hashlib
from typing import Any

import accredit
from accredit.identity.signed_text import fields_text, signed_texts

NONCE = "n" * 30
IDS = {"cp_id": "cp_1", "cp_deployment_id": "cpd_1"}
V1 = accredit.PeekedIdentity(1, 1_700_000_000, NONCE, None, bytes(32))
V2 = accredit.PeekedIdentity(2, 1_700_000_000, NONCE, "key_1", bytes(32))


def boot_of(**fields: Any) -> accredit.BootBody:
    return accredit.read_boot_body({**IDS, **fields})


def test_the_original_s_text() -> None:
    assert signed_texts(V1, boot_of(email="zoë:1@x.example", first_name="Z"), "https://shop.example") == (
        f"1700000000:cp_1:cpd_1:zoë:1@x.example:{NONCE}".encode(),
    )
    assert signed_texts(V1, boot_of(), None) == (f"1700000000:cp_1:cpd_1::{NONCE}".encode(),)


def test_the_text_of_version_2() -> None:
    boot = boot_of(email="zoë@x.example")
    fields = hashlib.sha256('{"email":"zoë@x.example"}'.encode()).hexdigest()
    start = f'["accredit-identity-v2","key_1","1700000000","{NONCE}","cp_1","cpd_1","zoë@x.example","{fields}",'
    unbound = f'{start}""]'.encode()
    assert signed_texts(V2, boot, "https://shop.example") == (f'{start}"https://shop.example"]'.encode(), unbound)
    assert signed_texts(V2, boot, None) == signed_texts(V2, boot, "") == (unbound,)


def test_an_e_mail_may_be_shown_as_another_without_a_change_to_the_fields() -> None:
    boot = boot_of(email="zoë@x.example")
    assert signed_texts(V1, boot, None, email="z***") == (f"1700000000:cp_1:cpd_1:z***:{NONCE}".encode(),)
    (text,), (masked,) = signed_texts(V2, boot, None), signed_texts(V2, boot, None, email="z***")
    assert masked == text.replace("zoë@x.example".encode(), b"z***")
    assert signed_texts(V1, boot, None, email="") == (f"1700000000:cp_1:cpd_1::{NONCE}".encode(),)


def test_fields_are_texts_by_plain_names() -> None:
    boot = boot_of(
        number_of_children=0,
        broadbandPpm="28",
        smoker="YES",
        meta={"é": 1.0, "b": "x\r\ny", "a": [True, None, 1e21]},
        address_1="1\r\n2\r3\n4",
        page="p",
        locale="en",
        surname="",
        signature="1:2:3",
        identifier_type="ios",
        shoe_size="44",
    )
    assert fields_text(boot).decode() == (
        '{"address_1":"1\\n2\\n3\\n4","broadband.ppm":"28","locale":"en",'
        '"meta":"{\\"a\\":[true,null,1e+21],\\"b\\":\\"x\\\\r\\\\ny\\",\\"é\\":1}",'
        '"number_of_children":"0","page":"p","smoker":"YES"}'
    )
    assert fields_text(boot_of(meta="{custom=1\r\n0}")) == b'{"meta":"{custom=1\\n0}"}'
    assert fields_text(boot_of()) == b"{}"
