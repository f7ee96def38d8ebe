"""The rest door's create and get as a competent service of somebody's own: FastAPI, pydantic, joserfc, SQLAlchemy.

Access tokens are verified once and remembered until they expire, as ours are; answers are sealed by joserfc; the finished answer is
stored, and read again as it is.
"""

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import uuid_utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from pydantic import BaseModel, ConfigDict, Field, HttpUrl
from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from bench.peers.tables import Table

_LIFETIME_S, _MOST_KEYS = 1200, 1000
_SUBJECT = {"firstName": "Åse Synnøve", "lastName": "Ødegård", "dateOfBirth": "1985-03-17"}


class RestRow(Table):
    """A session. answer: of one that ended, sealed."""

    __tablename__ = "rest_sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64))
    client_id: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(24))
    request: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_ms: Mapped[int] = mapped_column(BigInteger)
    expires_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class Callbacks(BaseModel):
    """Where the browser goes."""

    success: HttpUrl
    abort: HttpUrl
    error: HttpUrl


class PublicKey(BaseModel):
    """The caller's key."""

    model_config = ConfigDict(extra="ignore")

    kty: Literal["RSA"]
    use: Literal["enc"]
    alg: Literal["RSA-OAEP"]
    n: str = Field(min_length=342, max_length=683)
    e: str = Field(max_length=8)


class Asked(BaseModel):
    """A create request."""

    model_config = ConfigDict(extra="ignore")

    flow: Literal["redirect", "headless", "embedded"]
    allowedProviders: list[str] = Field(default_factory=list, max_length=50)  # noqa: N815 - as it is on the wire
    requestedAttributes: list[str] = Field(default_factory=list, max_length=100)  # noqa: N815
    callbackUrls: Callbacks | None = None  # noqa: N815
    externalReference: str | None = Field(None, max_length=255)  # noqa: N815
    encryptionPublicKey: PublicKey | None = None  # noqa: N815
    additionalParameters: dict[str, str] = Field(default_factory=dict, max_length=20)  # noqa: N815


class Answers:
    """What is made of settings once, and remembered: tokens, and the caller's keys."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._keys = KeySet.import_key_set(given["jwks"])
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": given["issuer"]}, aud={"essential": True, "value": given["audience"]}
        )
        self._base: str = given["audience"]
        self._known: dict[bytes, dict[str, Any]] = {}
        self._public: dict[str, RSAKey] = {}
        self._aead = AESGCM(bytes(32))

    def authenticate(self, authorization: str) -> dict[str, Any]:
        """The claims of an access token. Raises HTTPException."""
        digest = hashlib.sha256(authorization.encode()).digest()
        claims = self._known.get(digest)
        if claims is None:
            try:
                claims = jwt.decode(authorization.removeprefix("Bearer "), self._keys, algorithms=["ES256"]).claims
                self._claims.validate(claims)
            except (JoseError, ValueError) as error:
                raise HTTPException(401, "invalid_token") from error
            self._known[digest] = claims
        if not claims["nbf"] <= time.time() < claims["exp"]:
            raise HTTPException(401, "invalid_token")
        return claims

    def body(self, row: RestRow, asked: Asked) -> bytes:
        """The session as it is answered, in plain."""
        shown = asked.model_dump(mode="json", exclude_none=True, exclude={"encryptionPublicKey", "additionalParameters"})
        session = {
            "id": row.id,
            "accountId": row.account_id,
            "authenticationUrl": f"{self._base}/auth/session/{row.id}?key={self._key(row.id)}",
            "statusUrl": f"{self._base}/auth/rest/sessions/{row.id}",
            "status": row.status,
            **({"provider": "nbid", "subject": _SUBJECT, "loa": "high"} if row.status == "SUCCESS" else {}),
            **shown,
            "sessionLifetime": _LIFETIME_S,
            "expiresAt": datetime.fromtimestamp(row.expires_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        }
        return json.dumps(session, separators=(",", ":")).encode()

    def seal_answer(self, octets: bytes, key: PublicKey) -> bytes:
        """An answer as a JWE to the caller's key, which is parsed once."""
        public = self._public.get(key.n)
        if public is None:
            if len(self._public) > _MOST_KEYS:
                self._public.clear()
            public = self._public[key.n] = RSAKey.import_key(key.model_dump())
        header = {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "typ": "JWT"}
        return jwe.encrypt_compact(header, octets, public).encode()

    def seal(self, octets: bytes, session_id: str) -> bytes:
        """Personal data of a row, under our own key."""
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, octets, session_id.encode())

    def open(self, sealed: bytes, session_id: str) -> bytes:
        """The same, readable."""
        return self._aead.decrypt(sealed[:12], sealed[12:], session_id.encode())

    def _key(self, session_id: str) -> str:
        return hashlib.blake2b(session_id.encode(), key=bytes(32), digest_size=11).hexdigest()


def rest_routes(answers: Answers, sessions: async_sessionmaker[AsyncSession]) -> APIRouter:
    """The routes of the service."""
    router = APIRouter(prefix="/auth/rest/sessions")

    async def database() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    async def caller(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        return answers.authenticate(authorization)

    opened, claims = Annotated[AsyncSession, Depends(database)], Annotated[dict[str, Any], Depends(caller)]

    async def create(request: Request, body: Asked, database: opened, who: claims) -> Response:  # type: ignore[valid-type]
        now_ms = time.time_ns() // 1_000_000
        row = RestRow(
            id=str(uuid_utils.uuid7()),
            account_id=who["account_id"],
            client_id=who["sub"],
            status="CREATED",
            request=body.model_dump_json(exclude_none=True),
            created_ms=now_ms,
            expires_ms=now_ms + _LIFETIME_S * 1000,
        )
        row.sealed = answers.seal(json.dumps(body.additionalParameters).encode(), row.id)
        database.add(row)
        await database.commit()
        return _answer(answers, answers.body(row, body), body.encryptionPublicKey)

    async def finish(session_id: str, database: opened, who: claims) -> Response:  # type: ignore[valid-type]
        row = await _find(database, session_id, who)
        asked = Asked.model_validate_json(row.request)
        row.status = "SUCCESS"
        octets, key = answers.body(row, asked), asked.encryptionPublicKey
        row.answer = answers.seal(octets, row.id) if key is None else answers.seal_answer(octets, key)
        row.sealed = None
        await database.commit()
        return Response()

    async def read(session_id: str, database: opened, who: claims) -> Response:  # type: ignore[valid-type]
        row = await _find(database, session_id, who)
        sealed = '"encryptionPublicKey"' in row.request
        if row.answer is None:
            asked = Asked.model_validate_json(row.request)
            return _answer(answers, answers.body(row, asked), asked.encryptionPublicKey)
        body = row.answer if sealed else answers.open(row.answer, row.id)
        return Response(body, media_type="application/jose" if sealed else "application/json")

    router.post("")(create)
    router.post("/{session_id}/finish")(finish)
    router.get("/{session_id}")(read)
    return router


async def _find(database: AsyncSession, session_id: str, who: dict[str, Any]) -> RestRow:
    row = await database.get(RestRow, session_id)
    if row is None or row.account_id != who["account_id"]:
        raise HTTPException(404, "session_not_found")
    return row


def _answer(answers: Answers, octets: bytes, key: PublicKey | None) -> Response:
    if key is None:
        return Response(octets, media_type="application/json")
    return Response(answers.seal_answer(octets, key), media_type="application/jose")
