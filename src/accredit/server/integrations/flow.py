"""What a template of the flow door has of its own: its policy, its steps, and the rules that gate and sessions read.

protocol-flow.md sections 1 and 7. A template is an integration without a deployer: a publishable key names account and environment.
`require_signed_requests`, the original's toggle, is another spelling of `signature_policy`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.sealing import EncryptionKeyError, parse_encryption_key
from accredit.server.integrations.policy import MAX_DEBUG_MS, check_distinct
from accredit.server.origins import OriginList, origin_list, parse_entry

SignaturePolicy = Literal["optional", "required", "required_v2"]
HostedKeyIn = Literal["query", "fragment"]
UserMember = Literal["email", "phone", "name", "date_of_birth", "address", "id_number"]
STANDARD_STEPS = (
    *("accept_tos", "verify_email", "verify_sms", "kyc_check", "documentary_verification", "selfie_check", "screening"),
    *("risk_check", "kyc_screen"),
)
BUILT_IN_STEPS = frozenset({"accept_tos", "verify_email", "verify_sms"})
_DAY_MS = 86_400_000
_FALLBACK = "fallback:"
# A page that browsers open: https, and nothing that ends an attribute.
_PAGE = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!#-&(-;=?-~]*)?\Z"
_TEMPLATE_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_LOCAL_ORIGIN = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::[1-9][0-9]{0,4})?")
_LOCAL_SOURCES = "http://localhost:* http://127.0.0.1:*"
# What browsers read as an IPv4 address though it has letters (WHATWG URL section 3.5, "ends in a number").
_HEX_LABEL = re.compile(r"(?:.*[./])?0x[0-9a-f]*(?::[0-9]+)?")


class StepRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of a template, the first value of each choice being the default.

    on_failure: `fail` and `continue`, or `fallback:` and the name of a later step. service: id of a step service. fields: members of
    `user` that the step may ask for and use. simulate: whether a simulator takes the step's place in sandbox. terms_url: of
    `accept_tos` only, where a person can read what it is to accept.
    """

    step: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{2,39}\Z")]
    run: Literal["always", "fallback"] = "always"
    on_failure: Annotated[str, msgspec.Meta(pattern=r"^(?:fail|continue|fallback:[a-z][a-z0-9_]{2,39})\Z")] = "fail"
    on_error: Literal["pending_review", "fail"] = "pending_review"
    service: Annotated[str, msgspec.Meta(pattern=r"^svc_[A-Za-z0-9]{1,60}\Z")] | None = None
    fields: tuple[UserMember, ...] = ()
    simulate: bool = True
    terms_url: Annotated[str, msgspec.Meta(max_length=2048, pattern=_PAGE)] | None = None

    @property
    def fallback(self) -> str | None:
        """The step that takes this one's place when it fails."""
        return self.on_failure.removeprefix(_FALLBACK) if self.on_failure.startswith(_FALLBACK) else None


@dataclass(frozen=True, slots=True)
class FlowRules:
    """The policy as gate and sessions read it.

    legacy_accepted_until_ms: None if the original's signature stays accepted. retention_ms: None keeps what is told of a person.
    encryption_key: a public JWK as JSON that finished sessions are sealed to.
    """

    signature_policy: SignaturePolicy
    legacy_accepted_until_ms: int | None
    allow_localhost: bool
    hosted_key_in: HostedKeyIn
    steps: tuple[StepRule, ...]
    session_ttl_ms: int
    retention_ms: int | None
    encryption_key: str | None


class FlowPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the flow door; the first value of each choice is the default."""

    enabled: bool = True
    signature_policy: SignaturePolicy = "optional"
    legacy_accepted_until: datetime | None = None
    allowed_origins: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=50)] = ()
    allow_localhost: bool = False
    hosted_key_in: HostedKeyIn = "query"
    debug_until: datetime | None = None
    steps: Annotated[tuple[StepRule, ...], msgspec.Meta(min_length=1, max_length=20)] = (
        StepRule(step="accept_tos"),
        StepRule(step="verify_email"),
    )
    session_ttl_s: Annotated[int, msgspec.Meta(ge=300, le=2_592_000)] = 172_800
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    encryption_public_key: dict[str, Any] | None = None

    @classmethod
    def read_spellings(cls, members: dict[str, Json]) -> dict[str, Json]:
        """`require_signed_requests` is read as the `signature_policy` that it stands for."""
        return read_toggle(members, members.get("signature_policy", "optional"))

    @property
    def require_signed_requests(self) -> bool:
        """The original's toggle: whether a page without a signature is refused."""
        return self.signature_policy != "optional"

    @property
    def debug_until_ms(self) -> int:
        """Until when a refusal tells its reason, milliseconds UTC; 0 if never."""
        return _moment_ms(self.debug_until) or 0

    def normalised(self) -> "FlowPolicy":
        """With each allowed origin in its one spelling, once. Raises MalformedError `origin_entry_invalid`."""
        entries = tuple(dict.fromkeys(map(parse_flow_entry, self.allowed_origins)))
        return msgspec.structs.replace(self, allowed_origins=entries)

    def check(self, environment: str, now_ms: int) -> None:
        """Check what no type says.

        Raises MalformedError: `field_invalid` and `field_missing` with the member; for the key those of `parse_encryption_key`.
        """
        _check_moments(self, now_ms)
        if self.allow_localhost and environment == "live":
            raise MalformedError("field_invalid", "allow_localhost")
        if self.encryption_public_key is not None:
            _check_key(self.encryption_public_key)
        check_distinct("steps", [rule.step for rule in self.steps])
        for index, rule in enumerate(self.steps):
            check_distinct(f"steps[{index}].fields", list(rule.fields))
            _check_step(self.steps, index, environment)
        if all(rule.run == "fallback" for rule in self.steps):
            raise MalformedError("field_invalid", "steps")

    @property
    def origins(self) -> OriginList:
        """The allowed origins as the gate compares them; an empty list admits nobody."""
        listed = origin_list(self.allowed_origins, required=True)
        if not self.allow_localhost:
            return listed
        sources = f"{listed.frame_ancestors} {_LOCAL_SOURCES}" if listed else _LOCAL_SOURCES
        return OriginList(listed.exact, listed.below, sources)

    def rules(self) -> FlowRules:
        """What gate and sessions ask of a visit."""
        key = self.encryption_public_key
        return FlowRules(
            signature_policy=self.signature_policy,
            legacy_accepted_until_ms=_moment_ms(self.legacy_accepted_until),
            allow_localhost=self.allow_localhost,
            hosted_key_in=self.hosted_key_in,
            steps=self.steps,
            session_ttl_ms=self.session_ttl_s * 1000,
            retention_ms=None if self.retention_days is None else self.retention_days * _DAY_MS,
            encryption_key=None if key is None else msgspec.json.encode(key).decode(),
        )


def read_toggle(members: dict[str, Json], present: Json) -> dict[str, Json]:
    """Members without `require_signed_requests`, which becomes a `signature_policy`; present: the one that it changes.

    True lifts `optional` to `required`, False sets `optional`. Raises MalformedError `field_invalid`: no boolean, or the contrary of
    a `signature_policy` beside it.
    """
    if "require_signed_requests" not in members:
        return members
    toggle, named = members["require_signed_requests"], members.get("signature_policy")
    if not isinstance(toggle, bool) or (named is not None and toggle != (named != "optional")):
        raise MalformedError("field_invalid", "require_signed_requests")
    lifted: Json = named or ("optional" if not toggle else "required" if present == "optional" else present)
    return {name: value for name, value in members.items() if name != "require_signed_requests"} | {"signature_policy": lifted}


def is_template_id(text: str) -> bool:
    """Whether a template may be called so: what clients of the original and tokens can carry."""
    return _TEMPLATE_ID.fullmatch(text) is not None


def parse_flow_entry(text: str) -> str:
    """An allow-list entry in its one spelling: `https://host[:port]`, lower-case, A-labels, no default port, no trailing slash.

    Raises MalformedError `origin_entry_invalid`.
    """
    entry = parse_entry(text)
    if entry.startswith(("http:", "https://*")) or _HEX_LABEL.fullmatch(entry):
        raise MalformedError("origin_entry_invalid", "allowed_origins")
    return entry


def is_local_origin(origin: str) -> bool:
    """Whether a page of this origin is on the person's own machine, without a certificate."""
    return _LOCAL_ORIGIN.fullmatch(origin) is not None


def _moment_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _check_key(jwk: dict[str, Any]) -> None:
    try:
        parse_encryption_key(jwk)
    except EncryptionKeyError as error:
        raise error.within("encryption_public_key") from error


def _check_moments(policy: FlowPolicy, now_ms: int) -> None:
    for name in ("legacy_accepted_until", "debug_until"):
        moment = cast("datetime | None", getattr(policy, name))
        if moment is not None and moment.tzinfo is None:
            raise MalformedError("field_invalid", name)
    if policy.debug_until_ms > now_ms + MAX_DEBUG_MS:
        raise MalformedError("field_invalid", "debug_until")


def _check_step(steps: tuple[StepRule, ...], index: int, environment: str) -> None:
    """A fallback stands behind the step that names it, so that no two wait for each other; in live a call-out has a service."""
    rule, later = steps[index], {each.step for each in steps[index + 1 :] if each.run == "fallback"}
    if rule.fallback is not None and rule.fallback not in later:
        raise MalformedError("field_invalid", f"steps[{index}].on_failure")
    if rule.terms_url is not None and rule.step != "accept_tos":
        raise MalformedError("field_invalid", f"steps[{index}].terms_url")
    simulated = environment == "sandbox" and rule.simulate
    if rule.service is None and rule.step not in BUILT_IN_STEPS and not simulated:
        raise MalformedError("field_missing", f"steps[{index}].service")
