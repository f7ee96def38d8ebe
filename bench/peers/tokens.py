"""Deployment tokens as the FastAPI peer verifies them: joserfc as its manual has it, pydantic for what was signed."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_LEEWAY_S, _REMEMBERED = 30, 2048
_ID = r"^[A-Za-z0-9_.-]{1,128}$"


class InvalidTokenError(Exception):
    """The token does not hold."""


class SignedProperties(BaseModel):
    """The payload of a token."""

    model_config = ConfigDict(extra="ignore", strict=True)

    deployer_id: str = Field(pattern=_ID)
    integration_id: str = Field(pattern=_ID)
    owner_id: str = Field(pattern=_ID)
    uid: str = Field(min_length=1, max_length=256)
    view_id: str | None = Field(None, pattern=_ID)
    data_passport: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=100)
    iat: int | None = None
    exp: int | None = None
    jti: str | None = Field(None, min_length=16, max_length=128)
    aud: str | None = None
    origins: list[str] | None = Field(None, max_length=20)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token says, and by which key."""

    properties: SignedProperties
    key_id: str


class TokenVerifier:
    """Verifies with one key; remembers tokens that come again."""

    def __init__(self, public_jwk: dict[str, Any], owner_id: str, audience: str) -> None:
        self._key = ECKey.import_key(public_jwk)
        self._key_id = self._key.thumbprint()
        self._owner_id = owner_id
        self._audience = audience
        self._remembered: OrderedDict[bytes, SignedProperties] = OrderedDict()

    def verify(self, token: str, origin: str, now: float) -> VerifiedToken:
        """What was signed, if it holds here and now. Raises InvalidTokenError."""
        properties = self._open(token)
        if properties.owner_id != self._owner_id:
            raise InvalidTokenError
        if properties.iat is not None and properties.iat > now + _LEEWAY_S:
            raise InvalidTokenError
        if properties.exp is not None and properties.exp <= now - _LEEWAY_S:
            raise InvalidTokenError
        if properties.aud is not None and properties.aud != self._audience:
            raise InvalidTokenError
        if properties.origins is not None and origin not in properties.origins:
            raise InvalidTokenError
        return VerifiedToken(properties, self._key_id)

    def _open(self, token: str) -> SignedProperties:
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None:
            self._remembered.move_to_end(digest)
            return remembered
        try:
            payload = jws.deserialize_compact(token, self._key, algorithms=["ES512"]).payload
            properties = SignedProperties.model_validate_json(payload)
        except (JoseError, ValidationError, ValueError) as error:
            raise InvalidTokenError from error
        if properties.jti is None:
            self._remembered[digest] = properties
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return properties
