"""The texts that identity signatures are MACs of.

protocol-boot.md sections 4 and 7. Version 1 covers ids, e-mail, time and nonce; version 2 every customer field, page, locale and
origin too. The one begins with a digit and the other with `[`, so that one secret can serve both.
"""

import hashlib

from accredit.encoding import canonical_json
from accredit.identity.body import BootBody
from accredit.identity.signature import PeekedIdentity

_DOMAIN = "accredit-identity-v2"


def signed_texts(peeked: PeekedIdentity, boot: BootBody, origin: str | None, *, email: str | None = None) -> tuple[bytes, ...]:
    """The texts that a right signature may be over; in version 2 the one that is bound to the origin comes first, if there is one.

    email: what stands in its place where the text is to be shown. Raises JsonError for a `meta` that has no canonical text.
    """
    stated = (boot.customer.email or "") if email is None else email
    if peeked.key_id is None:
        return (_text_v1(peeked, boot, stated),)
    stamp = [peeked.key_id, str(peeked.timestamp), peeked.nonce]
    fields = hashlib.sha256(fields_text(boot)).hexdigest()
    parts = [_DOMAIN, *stamp, boot.cp_id, boot.cp_deployment_id, stated, fields]
    return tuple(canonical_json([*parts, each]) for each in ((origin, "") if origin else ("",)))


def _text_v1(peeked: PeekedIdentity, boot: BootBody, email: str) -> bytes:
    """Section 4. The e-mail may be empty, its two colons stay; neither ids nor nonce hold one, so there is one reading."""
    return f"{peeked.timestamp}:{boot.cp_id}:{boot.cp_deployment_id}:{email}:{peeked.nonce}".encode()


def fields_text(boot: BootBody) -> bytes:
    """The RFC 8785 text of every customer field, page and locale that is there, each as text. Raises JsonError."""
    fields = {name: _as_text(value) for name, value in boot.customer.values.items()}
    beside = {name: value for name, value in (("page", boot.page), ("locale", boot.locale)) if value is not None}
    return canonical_json(fields | beside)


def _as_text(value: object) -> str:
    text = value if isinstance(value, str) else canonical_json(value).decode("utf-8")
    # A browser posts a form's line ends as CR LF, whatever they were where the field was signed.
    return text.replace("\r\n", "\n").replace("\r", "\n")
