"""The Postgres warehouse: the embedded server, connections, roles and migrations."""
