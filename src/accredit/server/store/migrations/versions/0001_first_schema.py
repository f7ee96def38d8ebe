"""The first schema.

Times are integer milliseconds UTC, truth values 0 or 1, JSON is text. Personal data is only ever in `sealed`,
`answer` and `data`.
"""

from accredit.server.store.migrations import ddl

revision = "0001"
down_revision = None

_CONFIGURATION = """
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('config_version', '1');

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id TEXT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    notice_addresses TEXT NOT NULL DEFAULT '[]'
);

CREATE TABLE deployers (
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment, id)
);

CREATE TABLE integrations (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    door TEXT NOT NULL,
    deployer_id TEXT,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT
);
CREATE INDEX integrations_by_account ON integrations (account_id, environment, id);

CREATE TABLE providers (
    ref TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,
    secrets BYTEA,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX providers_by_account ON providers (account_id, environment, id);

CREATE TABLE step_services (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    record TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE INDEX step_services_by_account ON step_services (account_id, environment, id);

CREATE TABLE sms_gateways (
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    headers BYTEA NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment)
);

CREATE TABLE integration_versions (
    integration_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    published_ms BIGINT NOT NULL,
    PRIMARY KEY (integration_id, version)
);

CREATE TABLE themes (
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    look TEXT NOT NULL,
    logo_digest TEXT,
    logo_type TEXT,
    logo BYTEA,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment, id)
);
CREATE INDEX themes_by_logo ON themes (logo_digest) WHERE logo_digest IS NOT NULL;
"""

_KEYS = """
CREATE TABLE data_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    purpose TEXT NOT NULL,
    root_key_id TEXT NOT NULL,
    wrapped BYTEA,
    created_ms BIGINT NOT NULL,
    destroyed_ms BIGINT
);
CREATE UNIQUE INDEX data_keys_live ON data_keys (account_id, environment, purpose) WHERE destroyed_ms IS NULL;

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    purpose TEXT NOT NULL,
    deployer_id TEXT,
    integration_id TEXT,
    client_id TEXT,
    api_key_id TEXT,
    key_set_id TEXT,
    endpoint_id TEXT,
    label TEXT NOT NULL,
    alg TEXT,
    enc TEXT,
    kid TEXT,
    thumbprint TEXT,
    public_jwk TEXT,
    secret BYTEA,
    secret_hash BYTEA,
    integration_ids TEXT,
    created_ms BIGINT NOT NULL,
    not_before_ms BIGINT,
    not_after_ms BIGINT,
    retire_ms BIGINT,
    revoked_ms BIGINT,
    revoke_reason TEXT,
    last_used_ms BIGINT,
    told_days BIGINT
);
CREATE INDEX keys_by_endpoint ON keys (endpoint_id) WHERE endpoint_id IS NOT NULL;
CREATE INDEX keys_to_retire ON keys (retire_ms) WHERE retire_ms IS NOT NULL AND revoked_ms IS NULL;
CREATE INDEX keys_to_end ON keys (not_after_ms) WHERE not_after_ms IS NOT NULL AND revoked_ms IS NULL;
CREATE INDEX keys_by_secret ON keys (secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX keys_by_identity_size ON keys (length(secret)) WHERE purpose = 'identity' AND revoked_ms IS NULL;
CREATE INDEX keys_by_written_size ON keys (length(secret)) WHERE api_key_id IS NOT NULL AND revoked_ms IS NULL;
CREATE INDEX keys_by_thumbprint ON keys (thumbprint) WHERE thumbprint IS NOT NULL;
CREATE INDEX keys_by_deployer ON keys (account_id, environment, purpose, deployer_id);
CREATE INDEX keys_by_integration ON keys (integration_id, purpose);
CREATE INDEX keys_by_api_key ON keys (api_key_id, purpose) WHERE api_key_id IS NOT NULL;
CREATE UNIQUE INDEX keys_by_publishable_key ON keys (kid) WHERE purpose = 'publishable';

CREATE TABLE api_clients (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    permissions TEXT NOT NULL,
    token_lifetime_s BIGINT NOT NULL,
    integration_id TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT
);
CREATE INDEX api_clients_by_account ON api_clients (account_id, environment, id);

CREATE TABLE api_client_grants (
    client_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    granted_ms BIGINT NOT NULL,
    PRIMARY KEY (client_id, account_id)
);
CREATE INDEX api_client_grants_by_account ON api_client_grants (account_id);

CREATE TABLE denied_keys (
    account_id TEXT NOT NULL,
    thumbprint TEXT NOT NULL,
    reason TEXT NOT NULL,
    denied_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, thumbprint)
);

CREATE TABLE key_sets (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    deployer_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    alg TEXT NOT NULL,
    integration_ids TEXT,
    created_ms BIGINT NOT NULL,
    fetched_ms BIGINT,
    checked_ms BIGINT,
    last_error TEXT,
    lease_ms BIGINT,
    removed_ms BIGINT
);
CREATE INDEX key_sets_by_deployer ON key_sets (account_id, environment, deployer_id);

CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    deployer_id TEXT NOT NULL,
    alg TEXT NOT NULL,
    integration_ids TEXT,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    key_id TEXT
);
CREATE INDEX invitations_by_deployer ON invitations (account_id, environment, deployer_id);

CREATE TABLE provider_keys (
    id TEXT NOT NULL PRIMARY KEY,
    provider_ref TEXT NOT NULL,
    role TEXT NOT NULL,
    phase TEXT NOT NULL,
    phase_ms BIGINT NOT NULL,
    public_jwk TEXT NOT NULL,
    secret BYTEA NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX provider_keys_by_provider ON provider_keys (provider_ref);

CREATE TABLE claims (
    claim BYTEA NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX claims_to_forget ON claims (until_ms);
"""

_SESSIONS = """
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    door TEXT NOT NULL,
    integration_id TEXT NOT NULL,
    integration_version BIGINT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    sequence BIGINT NOT NULL DEFAULT 1,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    completed_ms BIGINT,
    deployer_id TEXT,
    request_id TEXT NOT NULL,
    origin TEXT,
    trust TEXT NOT NULL,
    proof_kind TEXT,
    proof_key_id TEXT,
    single_use BIGINT NOT NULL,
    replay_key BYTEA,
    subject_hash BYTEA,
    anonymous BIGINT NOT NULL,
    view_id TEXT,
    locale TEXT,
    channel TEXT,
    renews TEXT,
    lifetime_ms BIGINT NOT NULL,
    retention_ms BIGINT,
    redact_ms BIGINT,
    code_hash BYTEA,
    warnings TEXT NOT NULL,
    sealed BYTEA,
    answer BYTEA,
    answer_thumbprint TEXT,
    redacted_ms BIGINT
);
CREATE UNIQUE INDEX sessions_replay ON sessions (integration_id, replay_key) WHERE replay_key IS NOT NULL;
CREATE INDEX sessions_to_expire ON sessions (expires_ms) WHERE status IN ('created', 'waiting', 'pending_review');
CREATE INDEX sessions_by_key ON sessions (proof_key_id)
    WHERE proof_key_id IS NOT NULL AND status IN ('created', 'waiting', 'pending_review');
CREATE INDEX sessions_by_subject ON sessions (integration_id, subject_hash) WHERE subject_hash IS NOT NULL;
CREATE INDEX sessions_to_redact ON sessions (redact_ms) WHERE redact_ms IS NOT NULL;
CREATE INDEX sessions_by_account ON sessions (account_id, environment, id);

CREATE TABLE rest_sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    control TEXT NOT NULL,
    key_jwk TEXT,
    tags TEXT,
    external_reference TEXT,
    idempotency_key BYTEA,
    request_hash BYTEA,
    provider_id TEXT,
    attempt_id TEXT,
    browser_hash BYTEA,
    nonce_hash BYTEA,
    revision BIGINT NOT NULL DEFAULT 0,
    ask_ms BIGINT,
    opened_ms BIGINT,
    read_ms BIGINT,
    deleted_ms BIGINT
);
CREATE UNIQUE INDEX rest_sessions_idempotency ON rest_sessions (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX rest_sessions_by_reference ON rest_sessions (external_reference) WHERE external_reference IS NOT NULL;

CREATE TABLE request_claims (
    claim BYTEA NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL,
    status BIGINT,
    session_id TEXT
);
CREATE INDEX request_claims_by_age ON request_claims (expires_ms);

CREATE TABLE flow_sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    integration_id TEXT NOT NULL,
    customer_hash BYTEA NOT NULL,
    superseded BIGINT NOT NULL DEFAULT 0,
    signed BIGINT NOT NULL,
    control TEXT NOT NULL,
    tags TEXT,
    steps TEXT NOT NULL,
    link BIGINT NOT NULL DEFAULT 0,
    previous_session_id TEXT,
    wake_ms BIGINT,
    revision BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX flow_sessions_newest ON flow_sessions (integration_id, customer_hash) WHERE superseded = 0;
CREATE INDEX flow_sessions_by_customer ON flow_sessions (customer_hash);
CREATE INDEX flow_sessions_to_wake ON flow_sessions (wake_ms) WHERE wake_ms IS NOT NULL;

CREATE TABLE flow_keys (
    session_id TEXT NOT NULL PRIMARY KEY,
    own_key BYTEA NOT NULL
);

CREATE TABLE flow_tokens (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    origin TEXT,
    language TEXT,
    resumed BIGINT NOT NULL,
    used_ms BIGINT NOT NULL
);
CREATE INDEX flow_tokens_by_session ON flow_tokens (session_id);
CREATE INDEX flow_tokens_by_age ON flow_tokens (used_ms);

CREATE TABLE flow_creations (
    integration_id TEXT NOT NULL,
    network_hash BYTEA NOT NULL,
    hour BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (integration_id, network_hash, hour)
);
CREATE INDEX flow_creations_by_age ON flow_creations (hour);

CREATE TABLE callouts (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    session_id TEXT NOT NULL,
    step TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    service_id TEXT NOT NULL,
    checks TEXT NOT NULL,
    body BYTEA,
    continue_url BYTEA,
    tries BIGINT NOT NULL DEFAULT 0,
    due_ms BIGINT,
    expires_ms BIGINT NOT NULL,
    closed_ms BIGINT
);
CREATE INDEX callouts_due ON callouts (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX callouts_by_session ON callouts (session_id);
CREATE INDEX callouts_by_age ON callouts (expires_ms);

CREATE TABLE users (
    integration_id TEXT NOT NULL,
    subject_hash BYTEA NOT NULL,
    data BYTEA,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (integration_id, subject_hash)
);

CREATE TABLE counters (
    integration_id TEXT NOT NULL,
    period TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (integration_id, period)
);
"""

_RECORDS = """
CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    type TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    session_id TEXT,
    integration_id TEXT,
    sequence BIGINT,
    data TEXT NOT NULL
);
CREATE INDEX events_by_account ON events (account_id, environment, created_ms, id);
CREATE INDEX events_by_age ON events (created_ms);
CREATE INDEX events_by_session ON events (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT,
    actor TEXT,
    integration_id TEXT,
    key_id TEXT,
    session_id TEXT,
    request_id TEXT,
    address_hash BYTEA,
    detail TEXT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_id, environment, seq);
CREATE INDEX audit_by_request ON audit (request_id);

CREATE TABLE boot_reports (
    request_id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    integration_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    nonce_key BYTEA,
    report TEXT NOT NULL
);
CREATE INDEX boot_reports_by_integration ON boot_reports (integration_id, created_ms);
CREATE INDEX boot_reports_by_age ON boot_reports (created_ms);
CREATE INDEX boot_reports_by_nonce ON boot_reports (integration_id, nonce_key) WHERE nonce_key IS NOT NULL;
"""

_WEBHOOKS = """
CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    members TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    disabled_reason TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    failing_since_ms BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    answered_key_id TEXT,
    timeouts BIGINT NOT NULL DEFAULT 0,
    paused_until_ms BIGINT,
    told_failing_ms BIGINT,
    probe TEXT,
    listening_until_ms BIGINT
);
CREATE INDEX webhook_endpoints_by_account ON webhook_endpoints (account_id, environment, id);

CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT,
    lease_until_ms BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    ended_ms BIGINT,
    replay_of TEXT,
    replay_id TEXT,
    body BYTEA
);
CREATE INDEX deliveries_open ON deliveries (endpoint_id, due_ms) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (endpoint_id, lease_until_ms) WHERE lease_until_ms IS NOT NULL;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id, endpoint_id, id);
CREATE INDEX deliveries_failed ON deliveries (endpoint_id, id) WHERE status IN ('exhausted', 'cancelled');
CREATE INDEX deliveries_by_age ON deliveries (created_ms);

CREATE TABLE attempts (
    delivery_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status BIGINT,
    error TEXT,
    address TEXT,
    key_ids TEXT NOT NULL,
    authorization_key_id TEXT,
    excerpt TEXT,
    PRIMARY KEY (delivery_id, number)
);
"""

_OBSERVATIONS = """
CREATE TABLE flow_tallies (
    integration_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    what TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (integration_id, day, what)
);
CREATE INDEX flow_tallies_by_age ON flow_tallies (day);

CREATE TABLE flow_references (
    integration_id TEXT NOT NULL,
    customer_hash BYTEA NOT NULL,
    folded_hash BYTEA NOT NULL,
    likeness TEXT,
    varies BIGINT NOT NULL DEFAULT 0,
    crowded_day BIGINT,
    day BIGINT NOT NULL,
    PRIMARY KEY (integration_id, customer_hash)
);
CREATE INDEX flow_references_folded ON flow_references (integration_id, folded_hash);
CREATE INDEX flow_references_by_age ON flow_references (day);
CREATE INDEX flow_references_faulty ON flow_references (integration_id, day)
    WHERE likeness IS NOT NULL OR varies = 1 OR crowded_day IS NOT NULL;

CREATE TABLE flow_clients (
    integration_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    customer_hash BYTEA NOT NULL,
    client_hash BYTEA NOT NULL,
    signed BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (integration_id, day, customer_hash, client_hash)
);
CREATE INDEX flow_clients_signed ON flow_clients (integration_id, client_hash, at_ms) WHERE signed = 1;
CREATE INDEX flow_clients_by_age ON flow_clients (day);

CREATE TABLE step_tries (
    integration_id TEXT NOT NULL,
    step TEXT NOT NULL,
    answered_ms BIGINT,
    failed_ms BIGINT,
    reason TEXT,
    PRIMARY KEY (integration_id, step)
);

CREATE TABLE exposures (
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    day BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment, day)
);

CREATE TABLE confirmations (
    integration_id TEXT NOT NULL,
    item TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT,
    PRIMARY KEY (integration_id, item)
);
"""


def upgrade() -> None:
    for part in (_CONFIGURATION, _KEYS, _SESSIONS, _RECORDS, _WEBHOOKS, _OBSERVATIONS):
        ddl.run(part)
