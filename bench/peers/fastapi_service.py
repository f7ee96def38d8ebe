"""The same requests, answered by a competent service of somebody's own: FastAPI, pydantic, joserfc, SQLAlchemy.

Same checks, same durability, same sealing, same answers. Keys and integrations are in memory, and verified tokens are remembered,
as ours are. The standard library reads the form, which is faster than FastAPI's own way. One commit for each request.

    python -m bench.peers.fastapi_service < {"port": ..., "database_url": ..., "public_jwk": {...}, ...}
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import uuid_utils
import uvicorn
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bench.peers.fastapi_rest import Answers, rest_routes
from bench.peers.messages import Boot, Code, Form, Person, SessionBody
from bench.peers.tables import SessionRow, Table, create_engine
from bench.peers.tokens import InvalidTokenError, TokenVerifier

CODE_LIFETIME_MS, SESSION_LIFETIME_MS, WINDOW_S = 60_000, 1_800_000, 60


class Service:
    """Settings and what is made of them once."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.application_url: str = given["application_url"]
        self.origins: list[str] = given["origins"]
        self.api_secret_hash = hashlib.sha256(given["api_secret"].encode()).digest()
        self.identity_secret = base64.b64decode(given["identity_secret"])
        self.verifier = TokenVerifier(given["public_jwk"], given["owner_id"], given["audience"])
        self.engine = create_engine(given["database_url"])
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.answers = Answers(given["tokens"])
        self._aead = AESGCM(bytes(32))

    def seal(self, person: Person, session_id: str) -> bytes:
        """The personal part of a row."""
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, person.model_dump_json().encode(), session_id.encode())

    def open(self, sealed: bytes, session_id: str) -> Person:
        """The same, readable."""
        return Person.model_validate_json(self._aead.decrypt(sealed[:12], sealed[12:], session_id.encode()))


async def open_database_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A unit of work for one request."""
    async with request.app.state.service.sessions() as session:
        yield session


async def authenticate(request: Request, authorization: Annotated[str, Header()] = "") -> None:
    """Let nobody in but who shows the API key."""
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
    if not secrets.compare_digest(digest, request.app.state.service.api_secret_hash):
        raise HTTPException(401, "invalid_token")


Database = Annotated[AsyncSession, Depends(open_database_session)]


async def embed(request: Request, database: Database) -> Response:
    """Verify the token, open a session, send the frame on."""
    service: Service = request.app.state.service
    form = Form.model_validate(dict(parse_qsl((await request.body()).decode(), strict_parsing=True)))
    origin = request.headers.get("origin")
    if origin not in service.origins or request.headers.get("sec-fetch-dest", "iframe") != "iframe":
        raise HTTPException(403, "admission_refused")
    try:
        verified = service.verifier.verify(form.signed_deployment, origin, time.time())
    except InvalidTokenError as error:
        raise HTTPException(403, "admission_refused") from error
    session_id, code, now_ms = str(uuid_utils.uuid7()), secrets.token_urlsafe(32), time.time_ns() // 1_000_000
    properties = verified.properties
    database.add(
        SessionRow(
            id=session_id,
            integration_id=properties.integration_id,
            deployer_id=properties.deployer_id,
            owner_id=properties.owner_id,
            status="created",
            origin=origin,
            view_id=properties.view_id,
            channel=form.channel,
            request_id=secrets.token_hex(16),
            key_id=verified.key_id,
            jti=properties.jti,
            code_hash=hashlib.sha256(code.encode()).digest(),
            sealed=service.seal(Person(uid=properties.uid, data_passport=properties.data_passport), session_id),
            created_ms=now_ms,
            expires_ms=now_ms + CODE_LIFETIME_MS,
        )
    )
    try:
        await database.commit()
    except IntegrityError as error:
        raise HTTPException(403, "admission_refused") from error
    return Response(status_code=303, headers=_framed(service, f"{service.application_url}?code={code}"))


async def boot(request: Request, database: Database) -> Response:
    """Verify the identity signature, open a session, send the frame on."""
    service: Service = request.app.state.service
    form = Boot.model_validate(dict(parse_qsl((await request.body()).decode(), strict_parsing=True)))
    origin = request.headers.get("origin")
    if origin not in service.origins or request.headers.get("sec-fetch-dest", "iframe") != "iframe":
        raise HTTPException(403, "admission_refused")
    nonce = _verify_identity(service, form)
    session_id, code, now_ms = str(uuid_utils.uuid7()), secrets.token_urlsafe(32), time.time_ns() // 1_000_000
    database.add(
        SessionRow(
            id=session_id,
            integration_id=form.cp_deployment_id,
            deployer_id=form.cp_id,
            owner_id="owner",
            status="created",
            origin=origin,
            view_id=form.page,
            channel=form.channel,
            request_id=secrets.token_hex(16),
            key_id="identity",
            jti=nonce,
            code_hash=hashlib.sha256(code.encode()).digest(),
            sealed=service.seal(Person(uid=form.email, data_passport=dict(form.customer)), session_id),
            created_ms=now_ms,
            expires_ms=now_ms + CODE_LIFETIME_MS,
        )
    )
    try:
        await database.commit()
    except IntegrityError as error:
        raise HTTPException(403, "admission_refused") from error
    return Response(status_code=303, headers=_framed(service, f"{service.application_url}?code={code}"))


def _verify_identity(service: Service, form: Boot) -> str:
    """The nonce of a signature that holds."""
    timestamp, mac, nonce = form.signature.split(":")
    text = f"{timestamp}:{form.cp_id}:{form.cp_deployment_id}:{form.email}:{nonce}"
    expected = base64.b64encode(hmac.digest(service.identity_secret, text.encode(), "sha256")).decode()
    if not hmac.compare_digest(mac, expected) or abs(time.time() - int(timestamp)) > WINDOW_S or not 30 <= len(nonce) <= 50:
        raise HTTPException(403, "admission_refused")
    return nonce


def _framed(service: Service, location: str) -> dict[str, str]:
    policy = f"default-src 'none'; base-uri 'none'; frame-ancestors {' '.join(service.origins)}"
    return {
        "location": location,
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }


async def exchange(request: Request, body: Code, database: Database) -> SessionBody:
    """Redeem a code, once."""
    service: Service = request.app.state.service
    digest, now_ms = hashlib.sha256(body.code.encode()).digest(), time.time_ns() // 1_000_000
    holds = (SessionRow.code_hash == digest, SessionRow.status == "created", SessionRow.expires_ms > now_ms)
    values = {"status": "waiting", "code_hash": None, "expires_ms": now_ms + SESSION_LIFETIME_MS}
    row = (await database.execute(update(SessionRow).where(*holds).values(**values).returning(SessionRow))).scalar_one_or_none()
    if row is None:
        raise HTTPException(404, "code_unknown")
    await database.commit()
    return SessionBody.of(row, service.open(row.sealed, row.id), service.origins)


async def ready(database: Database) -> str:
    """Whether the database answers."""
    await database.execute(select(SessionRow.id).limit(1))
    return "ready"


def create_app(service: Service) -> FastAPI:
    """The application; its table is made when it starts."""

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        async with service.engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)
        yield
        await service.engine.dispose()

    app = FastAPI(lifespan=live)
    app.state.service = service
    app.post("/embed", status_code=303)(embed)
    app.post("/boot", status_code=303)(boot)
    app.post("/v1/exchange", dependencies=[Depends(authenticate)])(exchange)
    app.get("/readyz")(ready)
    app.include_router(rest_routes(service.answers, service.sessions))
    return app


def main() -> None:
    """Serve until the end, as ours is served."""
    given = json.load(sys.stdin)
    uvicorn.run(
        create_app(Service(given)),
        port=given["port"],
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
