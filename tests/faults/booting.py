"""Boots by every way there is, whose texts are all secret: for the search of tests/faults/test_nothing_leaks.py."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from accredit import IdentitySecret, sign_identity, sign_identity_v2

from ..doors.conftest import Owner
from .markers import Markers

_CHANNEL = "BBBBBBBBBBBBBBBBBBBBBA"


class Booting:
    """An integration of the boot door, and signatures of its deployer whose parts are markers."""

    def __init__(self, owner: Owner, markers: Markers, visitor: Any) -> None:
        self._owner, self._markers, self._visitor = owner, markers, visitor
        self._app = owner.boot_integration()
        self._secret, self._secret_id = owner.identity_secret("cp_1")
        markers.add("identity secret", self._secret)

    @property
    def info(self) -> dict[str, Any]:
        """Customer fields, each a marker; the text of `meta` stands for its members."""
        texts = {name: self._markers[name] for name in ("email", "address_1", "broadband.provider", "dob")}
        return {**texts, "meta": {"note": self._markers["meta"]}}

    def _fields(self, **fields: Any) -> dict[str, Any]:
        return self._owner.boot_fields(self._app, **fields)

    def _signed(self, email: str, **fields: Any) -> dict[str, Any]:
        """The body of a boot with a version 1 signature; its parts, its text and the hash of that are markers."""
        now, ids = int(time.time()), (self._app["deployer_id"], self._app["integration_id"])
        signature = sign_identity(IdentitySecret.from_base64(self._secret), *ids, email, now=now)
        _, mac, nonce = signature.split(":")
        text, number = f"{now}:{ids[0]}:{ids[1]}:{email}:{nonce}", len(self._markers.texts)
        parts = {"mac": mac, "nonce": nonce, "signed text": text, "hash": hashlib.sha256(text.encode()).hexdigest()}
        for name, part in parts.items():
            self._markers.add(f"{name} {number}", part)
        return self._fields(signature=signature, email=email, **fields)

    def _signed_v2(self) -> dict[str, Any]:
        secret = IdentitySecret.from_base64(self._secret, self._secret_id)
        ids = self._app["deployer_id"], self._app["integration_id"]
        signature = sign_identity_v2(secret, *ids, self.info, now=int(time.time()))
        for name, part in zip(("v2 nonce", "v2 mac"), signature.split(".")[3:], strict=True):
            self._markers.add(name, part)
        return self._fields(signature=signature, **self.info)

    def _post(self, body: dict[str, Any], status: int, path: str = "/boot") -> Any:
        answer = self._visitor.post(None, path, json=body)
        assert answer.status_code == status, answer.text
        return answer

    def _redeem(self, url: str) -> dict[str, Any]:
        code = self._markers.add(f"boot code {len(self._markers.texts)}", url.rpartition("code=")[2])
        return dict(self._owner.call("POST", "/v1/exchange", 200, {"code": code}))

    def admissions(self) -> None:
        """Signed in both versions, renewed, anonymous, on the hosted page and by its link."""
        email = self._markers["email"]
        info = {name: value for name, value in self.info.items() if name != "email"}
        answer = self._post(self._signed(email, **info, channel=_CHANNEL), 303)
        session = self._redeem(answer.headers["location"])
        assert session["uid"] == email
        renewed = self._post(self._signed(email, channel=_CHANNEL), 200, "/boot/renew").json()
        assert self._redeem("code=" + renewed["code"])["renews"] == session["session_id"]
        assert self._redeem(self._post(self._signed_v2(), 303).json()["url"])["proof"]["version"] == 2
        hosted = self._owner.boot_integration(level="BASIC", application_url=None)
        body = self._owner.boot_fields(hosted, **self.info, response_mode="json")
        link = urlsplit(self._post(body, 200).json()["url"])
        self._markers.add("key of a link", link.query.removeprefix("key="))
        assert self._visitor.get(f"{link.path}?{link.query}").status_code == 200

    def refusals(self) -> None:
        """Signatures, users and bodies that are refused."""
        email, used = self._markers["refused_email"], self._signed(self._markers["refused_email"])
        self._post(used, 303)
        self._post(used, 403)
        self._post({**self._signed(email), "email": self._markers["email"]}, 403)
        self._post({**self._signed(email), "cp_id": "somebody"}, 403)
        self._post({**self._signed(email), "signature": f"{email}:{email}:{email}"}, 403)
        self._post(self._fields(email=email), 403)
        self._post(self._signed(email, channel=_CHANNEL), 403, "/boot/renew")
        for name in ("dob", "postcode", "number_of_children", "locale", "page", "cp_id"):
            self._post({**self._signed(email), name: self._markers["refused_field"]}, 400)
        self._post({**self._fields(email=email), "[email]": email}, 400)
        self._post({**self._signed(email), self._markers["refused_field"]: email}, 303)
        exposed = self._markers.add("exposed identity secret", self._owner.identity_secret("cp_1")[0])
        self._post({**self._signed(email), "meta": {"config": exposed}}, 403)

    def reports(self) -> None:
        """While debugging: right and wrong signatures, with the reports that are kept."""
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        members = {"level": "SECURE_IDENTITY_DEBUG", "debug_until": until, "force": True}
        self._owner.call("PATCH", f"/v1/integrations/{self._app['integration_id']}", 200, members)
        email = self._markers["email"]
        for body in (self._signed(email), {**self._signed(email), "email": self._markers["refused_email"]}):
            answer = self._post(body, 200)
            assert "Boot report" in answer.text
            report = self._owner.call("GET", f"/v1/boot_reports/{answer.headers['x-request-id']}")
            assert len(report["mistakes"]) == 8
