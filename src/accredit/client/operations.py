"""The operations of a client, as generators that either client drives (see `calling`)."""

from collections.abc import Mapping
from dataclasses import fields, replace
from secrets import token_hex
from urllib.parse import quote, urlencode

from accredit.client.calling import Calling, Wait, Work
from accredit.client.configuration import Configuration
from accredit.client.errors import CallError
from accredit.client.reading import Asked, KeySet, checking_signature, open_answer, opening_signed, read_json
from accredit.client.requests import ResponseProtection, SessionFilter, SessionRequest
from accredit.client.sessions import Session, SessionItem, SessionPage
from accredit.client.visits import Visit
from accredit.client.wire import HttpAnswer, HttpRequest, Members, camel, to_wire
from accredit.encoding import Json, compact_json
from accredit.errors import FailureError
from accredit.sealing import REQUEST_ALGORITHMS, parse_encryption_key, seal_request

_SESSIONS = "/auth/rest/sessions"
_JSON, _JOSE = {"Content-Type": "application/json"}, {"Content-Type": "application/jose"}


class Operations:
    """What a client does at the server, step by step."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.calling = Calling(configuration)

    def create(self, request: SessionRequest, idempotency_key: str | None) -> Work[Session]:
        """Open a session."""
        wanted = self._with_key(request)
        body = compact_json(to_wire(wanted))
        headers = {"Idempotency-Key": idempotency_key or token_hex(16)}
        protection = wanted.response_protection
        nonce = None if protection is None else protection.nonce
        post = self._post_sealed if self.configuration.encrypted_requests else self._post_plain
        sent, answer = yield from post(body, headers)
        return (yield from self._read(answer, Asked(sent, None, nonce)))

    def get(self, session_id: str, session_nonce: str | None, nonce: str | None) -> Work[Session]:
        """Read a session, and check that this browser finished it, if it is named."""
        query = {} if session_nonce is None else {"sessionNonce": session_nonce}
        request = self._request("GET", f"/{quote(session_id, safe='')}", query=query)
        answer = yield from self.calling.call(request)
        session = yield from self._read(answer, Asked(request, session_id, nonce))
        if session_nonce is not None:
            session.check_nonce(session_nonce)
        return session

    def wait(self, session_id: str, timeout_s: float, every_s: float, nonce: str | None) -> Work[Session]:
        """Read a session until it has ended, or the time is over."""
        session = yield from self.get(session_id, None, nonce)
        waited_s = 0.0
        while not session.is_finished and waited_s < timeout_s:
            yield Wait(every_s)
            waited_s += every_s
            session = yield from self.get(session_id, None, nonce)
        return session

    def cancel(self, session_id: str, nonce: str | None) -> Work[Session]:
        """Cancel a session that is open."""
        request = self._request("POST", f"/{quote(session_id, safe='')}/cancel")
        answer = yield from self.calling.call(request)
        return (yield from self._read(answer, Asked(request, session_id, nonce)))

    def list(self, wanted: SessionFilter, limit: int | None, cursor: str | None) -> Work[SessionPage]:
        """Read a page of the list."""
        named = {camel(each.name): getattr(wanted, each.name) for each in fields(wanted)}
        query = {**named, "limit": None if limit is None else str(limit), "cursor": cursor}
        request = self._request("GET", query={name: text for name, text in query.items() if text is not None})
        answer = yield from self.calling.call(request)
        if self.configuration.response_signature == "rfc9421":
            yield from self.calling.by_key_set(checking_signature(self.configuration, answer, request, ""))
        return SessionPage.read(read_json(answer))

    def redact(self, session_id: str) -> Work[SessionItem]:
        """Destroy what a finished session holds of the person."""
        request = self._request("POST", f"/{quote(session_id, safe='')}/redact")
        answer = yield from self.calling.call(request)
        item = SessionItem.read(Members(read_json(answer)))
        yield from self._check_signature(answer, request, item.id)
        return item

    def delete(self, session_id: str) -> Work[None]:
        """Delete a session; an open one is cancelled first."""
        yield from self.calling.call(self._request("DELETE", f"/{quote(session_id, safe='')}"))

    def exchange(self, code: str) -> Work[Visit]:
        """Redeem a frame's code."""
        configuration, body = self.configuration, compact_json({"code": code})
        # The code is good once: what may have arrived is not sent again.
        request = HttpRequest("POST", f"{configuration.base_url}/v1/exchange", _JSON, body, repeatable=False)
        answer = yield from self.calling.call(request, api_key=configuration.api_key)
        return Visit.read(read_json(answer))

    def _with_key(self, request: SessionRequest) -> SessionRequest:
        """The request with the client's own key, unless it has another, and with the protection that is verified."""
        configuration = self.configuration
        if request.encryption_public_key is None and request.encryption_key_id is None:
            if configuration.encryption_key_id is not None:
                request = replace(request, encryption_key_id=configuration.encryption_key_id)
            elif configuration.public_jwk is not None:
                request = replace(request, encryption_public_key=configuration.public_jwk)
        if configuration.verify_sender:
            protection = replace(request.response_protection or ResponseProtection(), mode="jws+jwe")
            request = replace(request, response_protection=protection)
        return request

    def _request(
        self,
        method: str,
        path: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpRequest:
        account_id = self.configuration.account_id
        asked = {**({} if account_id is None else {"accountId": account_id}), **(query or {})}
        # RFC 3986 spelling: what is signed is the address as it is sent.
        text = f"?{urlencode(asked, quote_via=quote)}" if asked else ""
        return HttpRequest(method, f"{self.configuration.base_url}{_SESSIONS}{path}{text}", headers or {}, content)

    def _post(self, request: HttpRequest) -> Work[tuple[HttpRequest, HttpAnswer]]:
        answer = yield from self.calling.call(request)
        return request, answer

    def _post_plain(self, body: bytes, headers: Mapping[str, str]) -> Work[tuple[HttpRequest, HttpAnswer]]:
        return self._post(self._request("POST", headers={**_JSON, **headers}, content=body))

    def _post_sealed(self, body: bytes, headers: Mapping[str, str]) -> Work[tuple[HttpRequest, HttpAnswer]]:
        """Send a request that only the server opens; with its newest key where it does not know the one that was used."""
        known = yield from self.calling.key_set()
        try:
            return (yield from self._post(self._request("POST", headers={**_JOSE, **headers}, content=_seal(body, known))))
        except CallError as error:
            newer = yield from self.calling.key_set(again=True)
            if error.code != "encrypted_request_invalid" or newer is known:
                raise
        return (yield from self._post(self._request("POST", headers={**_JOSE, **headers}, content=_seal(body, newer))))

    def _read(self, answer: HttpAnswer, asked: Asked) -> Work[Session]:
        configuration = self.configuration
        if configuration.verify_sender:
            value = yield from self.calling.by_key_set(opening_signed(configuration, answer, asked))
        else:
            value = open_answer(configuration, answer)
        session = Session.read(value)
        if asked.session_id is not None and session.id != asked.session_id:
            raise FailureError("answer_malformed", "id")
        if configuration.account_id not in (None, session.account_id):
            raise FailureError("answer_malformed", "accountId")
        yield from self._check_signature(answer, asked.request, session.id)
        return session

    def _check_signature(self, answer: HttpAnswer, request: HttpRequest, session_id: str) -> Work[None]:
        if self.configuration.response_signature != "off":
            yield from self.calling.by_key_set(checking_signature(self.configuration, answer, request, session_id))


def _seal(body: bytes, jwks: KeySet) -> bytes:
    """A request for the server alone, by the first of its keys for that. Raises FailureError `answer_malformed` where it has none."""
    published = jwks.get("keys")
    jwk: Json
    for jwk in published if isinstance(published, list) else ():
        if isinstance(jwk, dict) and jwk.get("use") == "enc" and jwk.get("alg") in REQUEST_ALGORITHMS:
            return seal_request(body, parse_encryption_key(jwk))
    raise FailureError("answer_malformed", "keys")
