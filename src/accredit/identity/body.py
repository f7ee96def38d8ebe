"""The body of a boot: the boot's own fields, and the customer's beside them.

protocol-boot.md section 3: step 1 of its section 4, but for the signature, whose shape `peek_identity` reads.

    boot = read_boot_body([("cp_id", "cp_1"), ("cp_deployment_id", "cpd_1"), ("[email]", "jane@example.com")])
    boot.customer.email          # "jane@example.com": claimed, not verified
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.identity.fields import CUSTOMER_NAMES, CustomerFields, check_customer_fields, check_text
from accredit.identity.spellings import Body, collect_names

# No id holds a colon: it would give the signed text two readings.
_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_FORMS: Mapping[str, re.Pattern[str]] = {
    "cp_id": _ID,
    "cp_deployment_id": _ID,
    "page": _ID,
    "locale": re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8}){0,3}"),
    "response_mode": re.compile(r"redirect|json"),
}
_LIMITS: Mapping[str, int] = {"identifier_type": 32, "identifier_value": 255, "sdk": 32}
_FRAME_NAMES = ("channel", "sdk", "parent_origin", "origin_ticket")


@dataclass(frozen=True, slots=True)
class BootBody:
    """A boot body of the right form; `read_boot_body` makes it. Nothing in it is verified.

    signature, page, locale, identifier_type, identifier_value: None where absent. frame: what our SDK sends of its frame.
    """

    cp_id: str
    cp_deployment_id: str
    signature: str | None
    page: str | None
    locale: str | None
    identifier_type: str | None
    identifier_value: str | None
    response_mode: Literal["redirect", "json"]
    frame: Mapping[str, str]
    customer: CustomerFields


def read_boot_body(body: Body) -> BootBody:
    """Read the body of a boot and check the form of every field but the signature.

    body: the decoded pairs of a form in their order, or a JSON object. Empty text and null are absence; so is the text `null` as
    signature, which some clients post.

    Raises MalformedError: `field_missing`, `field_invalid`, `request_malformed` (a name comes twice), with the member's plain name.
    """
    collected = collect_names(body, CUSTOMER_NAMES)
    sent = {name: text for name in collected.boot if (text := _read_field(name, collected.boot[name]))}
    for name in ("cp_id", "cp_deployment_id"):
        if name not in sent:
            raise MalformedError("field_missing", name)
    return BootBody(
        cp_id=sent["cp_id"],
        cp_deployment_id=sent["cp_deployment_id"],
        signature=None if sent.get("signature") == "null" else sent.get("signature"),
        page=sent.get("page"),
        locale=sent.get("locale"),
        identifier_type=sent.get("identifier_type"),
        identifier_value=sent.get("identifier_value"),
        response_mode=cast(Literal["redirect", "json"], sent.get("response_mode", "redirect")),
        frame={name: sent[name] for name in _FRAME_NAMES if name in sent},
        customer=check_customer_fields(collected),
    )


def _read_field(name: str, value: Json) -> str:
    """The text of one of the boot's own fields, empty where it is absent."""
    text = "" if value is None else check_text(name, value, _LIMITS.get(name))
    if text and name in _FORMS and not _FORMS[name].fullmatch(text):
        raise MalformedError("field_invalid", name)
    return text
