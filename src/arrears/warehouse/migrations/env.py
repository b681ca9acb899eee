"""Alembic's entry point: runs in the connection that `migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="ops")
context.run_migrations()
