"""The rows of the run, by name. The docstring of each says how it is measured, and goes into the results."""

from collections.abc import Callable

from bench.results import Result
from bench.rows.asking import measure_create, measure_get
from bench.rows.booting import measure_boot, measure_boot_postgresql
from bench.rows.delivering import measure_fairness, measure_webhooks
from bench.rows.embedding import measure_embed, measure_embed_postgresql
from bench.rows.growth import measure_growth
from bench.rows.sealing import measure_seal
from bench.rows.sessions import measure_exchange, measure_read
from bench.rows.weight import measure_import, measure_memory, measure_sdk, measure_start
from bench.stage import Stage

ROWS: dict[str, Callable[[Stage], Result]] = {
    "embed": measure_embed,
    "embed-postgresql": measure_embed_postgresql,
    "boot": measure_boot,
    "boot-postgresql": measure_boot_postgresql,
    "create": measure_create,
    "get": measure_get,
    "exchange": measure_exchange,
    "read": measure_read,
    "webhooks": measure_webhooks,
    "fairness": measure_fairness,
    "seal": measure_seal,
    "growth": measure_growth,
    "import": measure_import,
    "memory": measure_memory,
    "start": measure_start,
    "sdk": measure_sdk,
}
