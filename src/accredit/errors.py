"""The error tree: one root, five families that say whose fault it is, and stable snake_case codes.

A code means the same in Python, at every door, in the SDK and in docs/reference/errors.md. Nothing here is ever raised with a
value of the caller in it: an error names the *member* that is at fault, never what stood in it.

    try:
        accredit.verify_deployment(token, keys, now=int(time.time()))
    except accredit.AccreditError as error:
        log.warning("refused: %s", error.code)
"""

from dataclasses import dataclass


class AccreditError(Exception):
    """Root of everything that Accredit raises.

    code: stable snake_case code, a key of CODES. member: the name of the member at fault, or None.
    """

    family = "error"

    def __init__(self, code: str, member: str | None = None) -> None:
        declared = CODES[code]
        if not isinstance(self, declared.family):
            raise TypeError(f"{code} belongs to {declared.family.__name__}")
        super().__init__(code if member is None else f"{code}: {member}")
        self.code = code
        self.member = member

    def __reduce__(self) -> tuple[type["AccreditError"], tuple[str | None, ...]]:
        # The default would pass the text to the constructor; errors cross processes in task queues.
        return type(self), (self.code, self.member)

    @property
    def status(self) -> int:
        """The HTTP status that tells of this error where it may be told."""
        return CODES[self.code].status

    @property
    def title(self) -> str:
        """One sentence for a person, without any value."""
        return CODES[self.code].title


class MalformedError(AccreditError):
    """The input is not of the form that the protocol asks for; the caller mends it."""

    family = "malformed"


class Refused(AccreditError):
    """A proof, a right or a limit does not hold. From outside all refusals look alike; the code is for the audit record."""

    family = "refused"


class SealedError(Refused):
    """A sealed answer does not open, or does not hold. Why is not told: whoever learns that learns of the key."""


class NotFoundError(AccreditError):
    """There is no such thing, or it is not the caller's."""

    family = "not_found"


class ConflictError(AccreditError):
    """The request is sound but does not fit the present state."""

    family = "conflict"


class FailureError(AccreditError):
    """Our fault, or that of something we stand on; nothing is half-done."""

    family = "failure"


@dataclass(frozen=True, slots=True)
class Code:
    """What a stable code means: its family, the HTTP status that tells of it, and one sentence."""

    family: type[AccreditError]
    status: int
    title: str


def _codes(family: type[AccreditError], status: int, **titles: str) -> dict[str, Code]:
    return {code: Code(family, status, title) for code, title in titles.items()}


CODES: dict[str, Code] = {
    # Bodies and fields.
    **_codes(
        MalformedError,
        400,
        request_malformed="The body is not of the form that this address reads.",
        field_missing="A required field is missing.",
        field_invalid="A field has a wrong type, form or length.",
        query_invalid="A query parameter has a wrong form.",
        cursor_invalid="The cursor does not belong to this list.",
        origin_entry_invalid="An allowed origin must be https://host[:port], https://*.host[:port] or http://localhost[:port].",
        settings_invalid="A setting has a wrong form.",
        contrast_too_low="The colour does not stand out enough from what it stands on (WCAG 2.2, level AA).",
        logo_invalid="The logo must be a PNG, JPEG, WebP or SVG image of at most 44 KiB, as a data: URL of its own type.",
    ),
    **_codes(MalformedError, 413, body_too_large="The body is larger than this address reads."),
    **_codes(MalformedError, 415, media_type_unsupported="The body's media type is not one that this address reads."),
    **_codes(MalformedError, 405, method_not_allowed="This address does not answer that method."),
    # Deployment tokens (protocol-embed.md sections 5 to 7).
    **_codes(
        Refused,
        403,
        jws_malformed="The token is not a compact JWS of three canonical base64url segments with a JSON header.",
        jws_header_not_allowed="The protected header has a member that this integration does not take.",
        jws_alg_not_allowed="The header names an algorithm that none of the deployer's keys is recorded for.",
        jws_key_unknown="The header names a key that is not a live key of this deployer.",
        jws_signature_invalid="No live key of this deployer verifies the signature.",
        payload_malformed="The payload is not UTF-8 JSON of at most three levels.",
        payload_duplicate_member="The payload names a member twice.",
        payload_not_object="The payload is not a JSON object.",
        missing_required_property="A property that must be signed, or named at all, is missing.",
        location_in_signed_payload="location belongs into the page's call, not into the token.",
        nested_signed_deployment="A token must not hold another token.",
        token_claims_invalid="A claim is missing, has a wrong type or form, or does not fit the others.",
        token_claim_missing="The integration's policy requires a claim that the token does not have.",
        token_not_yet_valid="iat lies in the future.",
        token_expired="The token has expired.",
        token_lifetime="exp lies too far behind iat.",
        token_audience_mismatch="aud does not name this server.",
        token_origin_mismatch="origins does not name the page's origin.",
        token_replayed="This single-use token was used before.",
        uid_invalid="uid must be 1 to 256 characters without controls, not beginning with anon_.",
        unsigned_value_refused="A value that must be signed came beside the token instead of in it.",
        direct_conflict="A direct value differs from the signed one, and the integration is strict about it.",
        owner_mismatch="owner_id is not the owner of this integration.",
        view_unknown="view_id is not a view of this integration, or must be signed.",
    ),
    # Identity signatures (protocol-boot.md sections 4, 6 and 7).
    **_codes(
        Refused,
        403,
        signature_required="The integration requires a signature.",
        signature_malformed="The signature is of no form that this door reads.",
        signature_version="The integration takes signatures of version 2 only.",
        timestamp_malformed="The signature's timestamp is not Unix seconds in ten digits.",
        timestamp_out_of_window="The signature's timestamp is too far from the server's time.",
        nonce_length="The signature's nonce does not have 30 to 50 characters.",
        nonce_charset="The nonce has a character other than A-Z a-z 0-9 _ and -.",
        nonce_replayed="A session was opened with this nonce before.",
        mac_encoding="The signature's MAC is not 32 octets in the one encoding that it must have.",
        mac_mismatch="No live secret yields this MAC over what was posted.",
        identity_key_unknown="The signature names a secret that is not a live one.",
        identity_origin_missing="The signature is not bound to an origin, and the integration requires it.",
        native_not_allowed="The integration does not take boots from this app.",
    ),
    # Customer references (protocol-flow.md sections 2 and 3).
    **_codes(
        MalformedError,
        400,
        customer_reference_invalid="The customer reference must be 1 to 255 bytes of UTF-8, without controls or line separators.",
    ),
    **_codes(
        Refused,
        403,
        token_template_mismatch="The token is not for this template.",
        customer_reference_mismatch="The token names another customer reference than the page does.",
        token_session_mismatch="The token is for another session.",
        publishable_key_unknown="There is no such publishable key.",
        unsigned_session_limit_reached="The template has opened the 100 sessions that need no signed requests.",
    ),
    # Signed requests (protocol-flow.md section 8).
    **_codes(
        Refused,
        401,
        authentication_missing="A header that a signed request has is missing.",
        authorization_malformed="A header of the request's signature came twice, or has another form.",
        date_malformed="The date is not IMF-fixdate, or is no date.",
        date_out_of_range="The request was signed too long ago, or in the future.",
        digest_malformed="The digest is not SHA-256= and the base64 of 32 octets.",
        digest_mismatch="The digest is not that of the body as it came.",
        key_unknown="There is no live secret of this key id.",
    ),
    # Calls of the flow door (protocol-flow.md sections 8, 9 and 11).
    **_codes(Refused, 401, signature_invalid="The request's signature does not hold."),
    **_codes(
        MalformedError,
        400,
        parameter_invalid="A query parameter has a wrong form.",
        version_unknown="Cognito-Version is not 2020-08-14.",
    ),
    **_codes(
        MalformedError,
        422,
        validation_failed="A member has a wrong type, form or length, or half of a group is missing.",
        steps_required="The strategy custom needs steps, of which one at least is true.",
        steps_not_allowed="steps belong to the strategy custom only.",
        sandbox_only="This is for the sandbox.",
    ),
    **_codes(
        ConflictError,
        409,
        session_already_exists="The customer has a session of this template.",
        session_not_in_review="The session is not in review.",
        session_changed="Somebody else changed the session at the same time.",
        step_not_active="This step is not the one that is due.",
        request_in_flight="The same request is under way.",
    ),
    **_codes(ConflictError, 422, retry_strategy_not_applicable="The strategy does not fit the session as it is."),
    **_codes(NotFoundError, 404, template_not_found="There is no such template."),
    # Received webhooks (protocol-webhooks.md section 11).
    **_codes(
        Refused,
        401,
        webhook_headers_missing="webhook-id, webhook-timestamp and webhook-signature must come once each.",
        webhook_headers_malformed="A webhook header has another form, or there are more than ten signatures.",
        webhook_timestamp_out_of_range="The webhook was sent too long ago, or in the future.",
        webhook_signature_mismatch="No signature of the webhook is of a secret or key that was given.",
    ),
    **_codes(
        MalformedError,
        400,
        webhook_body_malformed="The webhook's body is not the JSON object of the event that its headers name.",
    ),
    # Passports (protocol-embed.md section 8).
    **_codes(
        Refused,
        403,
        passport_malformed="The encrypted passport does not hold an object of the right form.",
        passport_key_invalid="A passport key is not 1 to 64 of A-Z a-z 0-9 _ . - or is reserved.",
        passport_value_type="A passport value is not of the type that it must have.",
        passport_too_large="The passport has too many keys, too long a string, or too much in all.",
        passport_key_missing="A key that the schema requires is missing.",
        passport_key_undeclared="A key is not declared in the schema.",
        passport_encrypted_only="A key that must come encrypted came in plain.",
        passport_placeholder_left="A placeholder of the snippet was not filled in.",
        passport_binding_mismatch="The encrypted passport is bound to another user or integration.",
        passport_expired="The encrypted passport has expired.",
        passport_envelope_missing="The integration requires encrypted passports in an envelope.",
        jwe_malformed="The encrypted passport is not a compact JWE of five canonical base64url segments.",
        jwe_header_not_allowed="The JWE header has a member that is not taken.",
        jwe_alg_not_allowed="The JWE header does not agree with the key record's alg and enc.",
        jwe_key_missing="There is no live passport key for this encrypted passport.",
        jwe_decrypt_failed="The encrypted passport could not be opened.",
    ),
    # In the page, found by the SDK (protocol-embed.md sections 2 and 3, protocol-boot.md section 3).
    **_codes(
        MalformedError,
        400,
        location_not_found="location names no element of this page.",
        location_placeholder="location is still #YOUR-TARGET-ELEMENT.",
        ids_missing="The call lacks an id that its door requires.",
        ids_mixed="The ids of two doors are mixed in one call.",
        placeholder_left="A value of the call is still a {{...}} placeholder.",
    ),
    **_codes(ConflictError, 409, already_mounted="This element already holds a frame with other fields."),
    **_codes(FailureError, 503, frame_unreachable="The frame did not load within 15 seconds."),
    **_codes(Refused, 403, peer_origin_changed="The frame's page changed its origin and is not answered."),
    # The gate.
    **_codes(
        Refused,
        403,
        admission_refused="This site was not admitted.",
        integration_unknown="There is no such integration at this door.",
        deployer_mismatch="The integration belongs to another deployer.",
        integration_disabled="The integration is switched off.",
        signed_deployment_required="The integration requires a signed deployment.",
        origin_missing="The request names no origin, and the integration requires one.",
        origin_not_allowed="The page's origin is not on the integration's list.",
        not_framed="The request did not come from a frame.",
        renewal_mismatch="There is no open session of this frame, user and origin to renew.",
        secret_exposed="A secret arrived from a browser and was revoked.",
        trust_too_low="The session is not trusted enough for stored user data.",
        api_key_limited="The API key is limited to integrations and does not reach this address.",
    ),
    **_codes(
        Refused,
        429,
        rate_limited="Too many requests; wait and try again.",
        too_many_streams="Too many streams are open: 20 of a key, 1000 of a server.",
        quota_exceeded="The integration's sessions for today are used up.",
    ),
    **_codes(Refused, 401, invalid_token="The API key is missing, unknown or revoked."),
    # Reports of leaked secrets (protocol-flow.md section 12).
    **_codes(Refused, 401, leak_report_unverified="The report is not signed by a key of its sender that is known here."),
    # Keys (protocol-embed.md section 10).
    **_codes(
        MalformedError,
        400,
        key_malformed="The key is not a JSON Web Key.",
        key_private_member="The key holds its private half; it is burnt and will never be accepted.",
        key_type_unsupported="kty does not belong to what the key is for.",
        key_use_invalid="use or key_ops does not belong to what the key is for.",
        key_alg_mismatch="The key's alg is not the one that it is recorded for.",
        key_curve_unsupported="The key's curve does not belong to its algorithm.",
        key_encoding_invalid="A coordinate is not canonical base64url of full length.",
        key_value_invalid="The coordinates are not a point on the curve.",
        key_denied="This key was exposed and is refused for good.",
        key_published="The secret is printed for everybody to try, and is refused in live.",
        secret_malformed="The secret does not have its form, or its check does not fit.",
        jwks_uri_invalid="The key set's address must be https, without user information or fragment.",
    ),
    # Sealed answers (protocol-rest.md sections 6, 15 and 16).
    **_codes(
        MalformedError,
        400,
        key_private_part="The key holds a private or symmetric part; make a new pair, and send its public half only.",
        key_type_not_allowed="The key's kty, alg or curve is not one that answers are sealed to.",
        key_use="use must be enc, and key_ops must fit it.",
        key_size_not_allowed="The key's size is not one that is taken.",
        key_not_registered="The key is not an active registered one.",
        encrypted_request_invalid="The encrypted request could not be opened.",
    ),
    **_codes(
        Refused,
        403,
        sealed_invalid="The sealed answer does not open, or does not hold.",
        response_signature_invalid="The answer's signature is missing, too old, or does not fit the answer.",
    ),
    # Sessions of the rest door (protocol-rest.md sections 4, 5, 10 and 14).
    **_codes(
        MalformedError,
        400,
        invalid_request_parameter="A member of the request does not have its form, or is not allowed.",
        encryption_required="The answer must be sealed, and the request brings no key for it.",
        encrypted_request_required="Personal input must come in an encrypted request.",
    ),
    **_codes(
        Refused,
        403,
        permission_denied="The API client may not do this.",
        browser_not_allowed="This address is for backends; a browser must not call it.",
        invalid_account_id="The account is missing, or is not one that the API client serves.",
        invalid_session_nonce="The session nonce is missing, or is not that of the session.",
        provider_rejected="The provider did not vouch for the person.",
        otp_attempts_exceeded="The code was entered wrongly too often.",
        encryption_key_revoked="The key that the answer was to be sealed to was revoked meanwhile.",
        loa_too_low="The provider vouched for the person at a lower level than was asked for.",
    ),
    **_codes(NotFoundError, 410, session_redacted="The session's answer was erased."),
    **_codes(ConflictError, 409, session_active="The session has not ended."),
    **_codes(ConflictError, 422, idempotency_key_reused="The Idempotency-Key belongs to another request."),
    **_codes(FailureError, 500, session_error="The session could not be finished."),
    **_codes(
        FailureError,
        502,
        provider_error="The provider reported an error.",
        provider_response_invalid="The provider's answer does not hold.",
        attribute_missing="The provider's answer lacks a required attribute.",
    ),
    **_codes(FailureError, 503, provider_unavailable="The provider could not be reached."),
    # API clients and their tokens (RFC 6749 section 5.2, protocol-rest.md sections 3 and 4).
    **_codes(
        MalformedError,
        400,
        invalid_request="The token request lacks a parameter, has one twice, or names the client in two ways.",
        unsupported_grant_type="The grant type is not client_credentials.",
        invalid_scope="The client has no such scope.",
        account_id_missing="The client serves several accounts and must name one.",
    ),
    **_codes(Refused, 401, invalid_client="The client's credentials do not hold."),
    **_codes(ConflictError, 409, client_exists="There is or was an API client of this id."),
    **_codes(NotFoundError, 404, client_not_found="There is no such API client."),
    # Providers (protocol-rest.md section 12).
    **_codes(
        MalformedError,
        400,
        provider_kind_unsupported="There is no provider of this kind in this environment.",
        entity_statement_invalid="The entity statement is not one that its own key signed, has expired, or names no provider.",
        entity_fingerprint_mismatch="The fingerprint is not that of the entity statement.",
    ),
    **_codes(
        ConflictError,
        409,
        provider_exists="There is a provider of this id.",
        provider_limit_reached="The account has as many providers as it may have.",
    ),
    **_codes(NotFoundError, 404, provider_not_found="There is no such provider."),
    # Steps of the flow door (protocol-webhooks.md section 8).
    **_codes(
        ConflictError,
        409,
        callout_closed="The call-out has an answer, or its time or its session is over.",
        step_service_limit_reached="There are as many step services as there may be.",
    ),
    **_codes(
        NotFoundError,
        404,
        step_service_not_found="There is no such step service.",
        sms_gateway_not_found="There is no SMS gateway in this environment.",
    ),
    # Outgoing requests (protocol-webhooks.md sections 7 and 10).
    **_codes(
        MalformedError,
        422,
        endpoint_url_invalid="The address must be https with a host name, and have no user information or fragment.",
        endpoint_address_forbidden="The address leads into a network that outgoing requests must not reach.",
        event_type_unknown="There is no such event, or none that an endpoint of this kind is sent.",
        encryption_key_required="Full payloads need a public key to be encrypted to.",
        replay_range_too_large="There are more than 100,000 events in this range; replay it in parts.",
    ),
    **_codes(
        ConflictError,
        409,
        endpoint_limit_reached="There are as many webhook endpoints as there may be.",
        endpoint_disabled="The webhook endpoint is disabled; enable it first.",
        rotation_under_way="A rotation is under way; the older key still counts.",
    ),
    **_codes(
        NotFoundError,
        404,
        endpoint_not_found="There is no such webhook endpoint.",
        event_not_found="There is no such event, or it is older than 30 days.",
        delivery_not_found="There is no such delivery, or it is older than 30 days.",
    ),
    **_codes(
        FailureError,
        503,
        dns_failed="The name of the other server did not resolve.",
        address_forbidden="The name leads into a network that outgoing requests must not reach.",
        connect_timeout="The other server did not take the connection in time.",
        connect_failed="The other server could not be reached.",
        tls_failed="The other server's certificate or TLS version is not acceptable.",
        response_timeout="The other server did not answer in time.",
        response_malformed="The other server's answer is not HTTP, or its headers are too long.",
        redirect_refused="The other server redirected, which is never followed.",
    ),
    # What a client makes of an answer.
    **_codes(FailureError, 502, answer_malformed="The server's answer is not of the form that this client reads."),
    **_codes(
        ConflictError,
        409,
        key_exists="There is such a key already.",
        key_limit_reached="There are as many live keys as there may be.",
        key_not_live="The key is revoked or retired.",
        deployer_exists="There is a deployer of this id.",
        integration_exists="There is an integration of this id.",
        theme_exists="There is a theme of this id.",
        checklist_flow_only="Only a template of the flow door has a checklist for going live.",
        account_exists="There is an account of this id.",
        session_not_active="The session has ended.",
        session_has_no_user="The session is anonymous, so it has no stored user data.",
    ),
    **_codes(ConflictError, 412, precondition_failed="The stored version is not the one that the request names."),
    **_codes(
        NotFoundError,
        404,
        code_unknown="The code is unknown, used or expired.",
        session_not_found="There is no such session.",
        boot_report_not_found="There is no report of this request, or it is older than a day.",
        user_data_unknown="Nothing is stored for this user.",
        integration_not_found="There is no such integration.",
        theme_not_found="There is no such theme.",
        deployer_not_found="There is no such deployer.",
        key_not_found="There is no such key.",
        account_not_found="There is no such account.",
        link_invalid="The link is unknown, used or expired.",
        page_not_found="There is nothing at this address.",
    ),
    **_codes(FailureError, 500, internal_error="Something went wrong here; nothing was done."),
    **_codes(
        FailureError,
        503,
        service_unavailable="The server cannot do this just now; nothing was done.",
        tracing_missing="Tracing needs the extra otel: pip install 'accredit[otel]'.",
        database_in_use="Another server process has this SQLite database open.",
        database_url_invalid="The database address must begin with sqlite:/// or postgresql://.",
        database_missing="There is no database in the data directory; name another, or begin with `accredit account create`.",
        schema_behind="The database schema is behind; run `accredit migrate`.",
        root_key_missing="The root key that sealed this data is not configured.",
        root_key_exposed="Others may read or change the root key's file; give it to its owner alone (chmod 600).",
        sealed_damaged="Sealed data does not open; the row or the key was altered.",
        audit_broken="The audit chain does not hold.",
        address_in_use="The server cannot listen at its host and port; another program may have them.",
        sdk_missing="The browser SDK is not built; run `make sdk`.",
        key_set_unreadable="The key set could not be read.",
    ),
}
