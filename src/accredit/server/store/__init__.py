"""Where everything that lasts is kept: one schema, one SQL text, two engines.

    store = await Store.open("sqlite:///accredit.sqlite")
    opened = await store.write(open_session, session)   # durable when it returns
    row = await store.read(find_session, session.id)

Invariants: a caller gets its answer only after its commit is durable; what fails never fails a neighbour in the
group; a read sees every write that was answered before it was asked.
"""

from .config_version import bump_config
from .store import Store
from .transaction import Change, Query, Row, StatementError, Transaction, Value, in_order, one_by_one

__all__ = ["Change", "Query", "Row", "StatementError", "Store", "Transaction", "Value", "bump_config", "in_order", "one_by_one"]
