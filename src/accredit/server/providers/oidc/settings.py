"""What a record of kind `oidc` needs beyond what every provider has, in each of its two profiles."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from accredit.server.providers.records import Loa

Url: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
ClientId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}\Z")]
Scopes: TypeAlias = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=r"^[!#-\[\]-~]{1,64}\Z")], ...], msgspec.Meta(min_length=1, max_length=20)
]
Acr: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}\Z")]
# What people at the provider see of whom they sign in to.
SpName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,40}\Z")]
SigningAlg: TypeAlias = Literal["RS256", "PS256", "ES256"]


class GenericSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any provider with discovery (OpenID Connect Discovery 1.0).

    assertion_audience: of `private_key_jwt`. signing_alg: of what we sign, for keys that are made from then on. acr_values: by level
    of assurance. login_hint: the member of `prefilledInput` that is sent along. userinfo: whether and how UserInfo answers.
    """

    profile: Literal["generic"] = "generic"
    issuer: Url
    client_id: ClientId
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] = "client_secret_basic"
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    signing_alg: SigningAlg = "RS256"
    scopes: Scopes = ("openid", "profile", "email")
    id_token_encryption: Literal["off", "required"] = "off"
    request_object: bool = False
    acr_values: dict[Loa, Acr] = {}
    login_hint: Literal["email", "mobile", "nin", "userName"] | None = None
    userinfo: Literal["off", "plain", "signed", "encrypted"] = "off"
    embeddable: bool = False

    @property
    def signs(self) -> bool:
        """Whether we need a key of our own to sign with."""
        return self.request_object or self.client_auth == "private_key_jwt"

    @property
    def decrypts(self) -> bool:
        """Whether the provider encrypts to a key of ours."""
        return self.id_token_encryption == "required" or self.userinfo == "encrypted"


class FtnSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker of the Finnish trust network.

    entity_statement: the broker's, as it was handed over. entity_statement_sha256: of its octets, as the broker confirmed it by
    another way. client_id: by default the address of our own statement. sp_name: what people are shown, unless the parameter
    `ftn_sp_name` names another one of sp_names.
    """

    profile: Literal["ftn"]
    entity_statement: Annotated[str, msgspec.Meta(max_length=32768)]
    entity_statement_sha256: Annotated[str, msgspec.Meta(max_length=128)]
    client_id: ClientId | None = None
    signing_alg: SigningAlg = "RS256"
    sp_name: SpName
    sp_names: Annotated[tuple[SpName, ...], msgspec.Meta(max_length=100)] = ()
    scopes: Scopes = ("openid",)
    send_client_id: bool = False
