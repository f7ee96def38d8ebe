"""`POST /v1/exchange` (protocol-embed.md section 9)."""


def test_exchanges_a_code_for_the_session(server, clock):
    owner = server.owner()
    integration = owner.integration(views=[{"id": "summary"}])
    session = owner.visit(integration, uid="user-1", data_passport='{"first_name":"Ada"}')
    assert list(session) == [
        "session_id", "door", "environment", "status", "owner_id", "deployer_id", "integration_id", "uid", "anonymous_id",
        "view_id", "locale", "origin", "channel", "data_passport", "server_only", "customer_info", "trust", "proof",
        "frame_ancestors", "renews", "created_at", "expires_at",
    ]  # fmt: skip
    print(session)
