"""The schema's history, run by Alembic with hand-written DDL: one text for both engines."""
