"""Where the browser goes at the end: the caller's address with what we add to it (protocol-rest.md sections 5 and 11)."""

from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from accredit.server.sessions.rest.record import Control, RestSession
from accredit.server.sessions.rest.statuses import CALLBACKS


def callback_form(
    address: str, session_id: str, *, external_reference: str | None = None, session_nonce: str | None = None
) -> str:
    """An address with our parameters in its query.

    Pairs of the same names, however spelled, are removed; the rest stays as it is, octet for octet.
    """
    return _with_pairs(address, _added(session_id, external_reference, session_nonce))


def _added(session_id: str, external_reference: str | None, session_nonce: str | None = None) -> dict[str, str]:
    """Our parameters, in their order, each as it is written."""
    given = {"sessionId": session_id, "externalReference": external_reference, "sessionNonce": session_nonce}
    return {name: f"{name}={quote(text, safe='')}" for name, text in given.items() if text is not None}


def _with_pairs(address: str, added: Mapping[str, str]) -> str:
    before, hash_sign, fragment = address.partition("#")
    path, _, query = before.partition("?")
    kept = [pair for pair in query.split("&") if _name_of(pair) not in added] if query else []
    rest = "&".join(kept)
    return f"{path}?{rest}{'&' if rest else ''}{'&'.join(added.values())}{hash_sign}{fragment}"


def _name_of(pair: str) -> str:
    name = pair.partition("=")[0]
    if "%" not in name and "+" not in name:
        return name
    return unquote_to_bytes(name.replace("+", " ")).decode("utf-8", "replace")


def shown_callbacks(session_id: str, control: Control) -> Mapping[str, str] | None:
    """`callbackUrls` as GET shows them: in callback form, without nonce."""
    given = control.callbacks
    if given is None:
        return None
    added = _added(session_id, control.external_reference)
    addresses = {"success": given.success, "abort": given.abort, "error": given.error}
    return {name: _with_pairs(each, added) for name, each in addresses.items()}


def callback_url(session: RestSession, *, session_nonce: str | None) -> str | None:
    """Where the browser goes after the session's end; None where it stays and is shown the result.

    session_nonce: for the browser that finished, None for every other; an embedded session's address always carries it, that of a
    redirect only where the policy says so.
    """
    control = session.control
    nonce = session_nonce if has_nonce(control) else None
    if control.flow == "embedded":
        address = control.return_url
    else:
        address = None if control.callbacks is None else getattr(control.callbacks, CALLBACKS[session.status])
    if address is None or control.flow == "headless":
        return None
    reference = control.external_reference
    return callback_form(address, session.session_id, external_reference=reference, session_nonce=nonce)


def has_nonce(control: Control) -> bool:
    """Whether the session has a nonce: embedded ones always do, headless ones never, as no browser finishes them."""
    return control.flow == "embedded" or (control.flow == "redirect" and control.session_nonce == "always")
