"""The providers that a new account has in its sandbox, by the ids that the original's clients use (protocol-rest.md section 12)."""

from accredit.server.ids import new_id
from accredit.server.keyring.scope import Scope
from accredit.server.providers.changing import insert_provider
from accredit.server.providers.records import FLOWS, ProviderRecord
from accredit.server.store import Transaction, bump_config

SANDBOX_PROVIDERS = {
    "nbid": "Norwegian BankID",
    "sbid": "Swedish BankID",
    "sbid-idcard": "Swedish BankID on card",
    "mitid": "MitID",
    "ftn": "Finnish Trust Network",
    "idin": "iDIN",
    "otp-email": "Code by e-mail",
}


def insert_sandbox_providers(tx: Transaction, account_id: str, at_ms: int) -> None:
    """Write the default set of a new account's sandbox; what is there already stays."""
    bump_config(tx)
    for provider_id, name in SANDBOX_PROVIDERS.items():
        record = ProviderRecord(
            scope=Scope(account_id, "sandbox"),
            provider_id=provider_id,
            ref=new_id("prv_"),
            kind="sandbox",
            display_name=name,
            flows=FLOWS,
            loa="high",
            requires_encryption=provider_id == "ftn",
            created_ms=at_ms,
            updated_ms=at_ms,
        )
        insert_provider(tx, record)
