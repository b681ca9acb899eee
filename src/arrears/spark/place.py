"""Where a build on Spark finds things, as `arrears build` says it in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from arrears.spark.beside import ON_POSTGRES
from arrears.warehouse.libpq import TLS


@dataclass(frozen=True)
class Place:
    """What a build on Spark reads and writes.

    Attributes:
        master: Spark's URL of the cluster (`spark://host:7077`, `local[2]`).
        lake: a folder or a URL that every worker can read and write.
        driver: the jar of Postgres's JDBC driver. host … password: of the warehouse, as the role that builds.
        tls: what libpq says of it (`sslmode`, `sslrootcert`), which the JDBC driver calls the same.
    """

    master: str
    lake: str
    driver: Path
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    tls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Place:
        return cls(
            master=environment["ARREARS_SPARK_MASTER"],
            lake=environment["ARREARS_LAKE"].rstrip("/"),
            driver=Path(environment["ARREARS_JDBC_DRIVER"]),
            host=environment["ARREARS_DBT_HOST"],
            port=int(environment["ARREARS_DBT_PORT"]),
            database=environment["ARREARS_DBT_DBNAME"],
            user=environment["ARREARS_DBT_USER"],
            password=environment["ARREARS_DBT_PASSWORD"],
            tls={name: environment[variable] for name, variable in TLS.items() if variable in environment},
        )

    @property
    def raw(self) -> str:
        """The files that the loader writes beside the tables of `raw`."""
        return f"{self.lake}/raw"

    @property
    def built(self) -> str:
        """What builds leave for the next one."""
        return f"{self.lake}/built"

    def jdbc(self) -> dict[str, str]:
        """Spark's options for the warehouse. The password is in no file and no catalogue: nothing keeps the options."""
        # Keepalive: the connections of a machine that went down hold their locks until somebody notices.
        options = {"reWriteBatchedInserts": "true", "tcpKeepAlive": "true", "ApplicationName": ON_POSTGRES, **self.tls}
        host = f"[{self.host}]" if ":" in self.host else self.host
        return {
            "url": f"jdbc:postgresql://{host}:{self.port}/{quote(self.database, safe='')}?{urlencode(options)}",
            "driver": "org.postgresql.Driver",
            "user": self.user,
            "password": self.password,
            "fetchsize": "10000",
        }
