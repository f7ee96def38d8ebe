"""One node: the parts that every door and every API address of a server process stand on. `app.py` puts it together."""

from collections.abc import Callable
from dataclasses import dataclass

from accredit.server.checklist.observations import Observations
from accredit.server.events.signing import Signers
from accredit.server.integrations.catalog import Catalog
from accredit.server.keyring.callers import Callers
from accredit.server.keyring.encryption_ring import EncryptionRing
from accredit.server.keyring.key_sets import KeySets
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.remembered import RememberedTokens
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.server_keys import ServerKeys
from accredit.server.keyring.webhook_keys import WebhookKeys
from accredit.server.limits import RefusalLimit
from accredit.server.mail import Mailer
from accredit.server.notices import Notices
from accredit.server.outbound import Outbound
from accredit.server.providers.registry import Providers
from accredit.server.sessions.watching import Watches
from accredit.server.settings import Settings
from accredit.server.steps.registry import Steps
from accredit.server.store import Store


@dataclass(frozen=True, slots=True)
class Node:
    """clock: milliseconds UTC; the only clock there is."""

    settings: Settings
    store: Store
    sealer: Sealer
    keyring: Keyring
    key_sets: KeySets
    encryption_ring: EncryptionRing
    server_keys: ServerKeys
    webhook_keys: WebhookKeys
    signers: Signers
    callers: Callers
    catalog: Catalog
    outbound: Outbound
    mailer: Mailer
    notices: Notices
    providers: Providers
    steps: Steps
    observations: Observations
    watches: Watches
    remembered: RememberedTokens
    refusal_limit: RefusalLimit
    clock: Callable[[], int]
