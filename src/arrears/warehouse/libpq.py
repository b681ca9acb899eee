"""What libpq, and so every program that uses it, is told in the environment."""

from __future__ import annotations

# Parameters of an address that are about TLS, by their variables. Postgres's JDBC driver knows them by the same names.
TLS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
