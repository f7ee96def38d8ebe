"""Run by Alembic: applies revisions on the connection that `migrate` has opened, inside its transaction."""

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationInfo

applied: list[str] = context.config.attributes["applied"]


def _note(ctx: Any, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    applied.extend(step.up_revision_ids)


context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    on_version_apply=_note,
)
with context.begin_transaction():
    context.run_migrations()
