"""Addresses of databases: a libpq URL taken apart, changed and put together again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2.extensions import parse_dsn

from arrears.errors import Usage


@dataclass(frozen=True)
class Address:
    """Where a database is and who connects. `options` are libpq's other parameters, such as sslmode."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False, default="")
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a libpq URL, also with a SQLAlchemy driver name in it. Raises Usage when it is not one."""
        scheme, separator, rest = url.partition("://")
        try:
            parts = parse_dsn(f"{scheme.partition('+')[0]}{separator}{rest}")
        except psycopg2.ProgrammingError as error:
            # The message of libpq would repeat the URL, and with it the password.
            raise Usage("The warehouse's URL is not one: expected postgresql://user:password@host:port/db") from error
        if "," in parts.get("host", "") or not parts.get("port", "5432").isdecimal():
            raise Usage("The warehouse's URL names several hosts or ports: name the one that takes writes.")
        known = {"host", "port", "dbname", "user", "password"}
        return cls(
            host=parts.get("host", "localhost"),
            port=int(parts.get("port", 5432)),
            database=parts.get("dbname", "postgres"),
            user=parts.get("user", ""),
            password=parts.get("password", ""),
            options=tuple(sorted((name, value) for name, value in parts.items() if name not in known)),
        )

    def login(self, user: str, password: str) -> Address:
        return replace(self, user=user, password=password)

    def to(self, database: str) -> Address:
        return replace(self, database=database)

    def setting(self, **parameters: str) -> Address:
        """The address with parameters of the server for the sessions that it opens."""
        options = dict(self.options)
        said = [options.get("options", ""), *(f"-c{name}={value}" for name, value in parameters.items())]
        return replace(self, options=tuple(sorted((options | {"options": " ".join(said).strip()}).items())))

    def url(self, scheme: str = "postgresql") -> str:
        """The URL, password included."""
        query = f"?{urlencode(self.options, quote_via=quote)}" if self.options else ""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"{scheme}://{login}@{self._host}:{self.port}/{quote(self.database, safe='')}{query}"

    @property
    def _host(self) -> str:
        """As it stands in a URL: the folder of a socket is escaped, an IPv6 address has brackets."""
        return f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")

    def __str__(self) -> str:
        """For people: without the password."""
        return f"{self.host}:{self.port}/{self.database} as {self.user}"
