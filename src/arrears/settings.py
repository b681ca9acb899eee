"""Configuration: environment variables named ARREARS_*, and the secrets `arrears up` generated.

The environment wins over the generated file, so production sets variables and never has the file.
"""

from __future__ import annotations

import os
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from arrears.errors import Usage
from arrears.warehouse.address import Address

SOURCE_ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = "airflow"  # name of Airflow's metadata database and of the role that owns it
SUPERSET = "superset"  # the same of Superset's
SHORTEST_KEY = 32  # characters
READERS = "arrears_readers"  # whose members read the marts; nobody logs in as it


class Role(StrEnum):
    """Who connects. Each step of the pipeline connects as the one role that may do it, never as another."""

    LOADER = "loader"
    BUILDER = "builder"
    PUBLISHER = "publisher"
    READER = "reader"

    @property
    def login(self) -> str:
        return f"arrears_{self.value}"

    @property
    def airflow_variable(self) -> str:
        """The environment variable that defines this role's Airflow connection."""
        return f"AIRFLOW_CONN_{self.login.upper()}"


class Settings(BaseSettings):
    """Where things are and how to reach them. Every field is an environment variable with the prefix ARREARS_."""

    model_config = SettingsConfigDict(env_prefix="ARREARS_", extra="ignore")

    root: Path = SOURCE_ROOT
    home: Path = Field(default=SOURCE_ROOT / ".arrears", description="state of the embedded server, logs, docs")
    landing: str = Field(default=str(SOURCE_ROOT / "landing"), description="path or fsspec URL of the extracts")
    lenders: Path = SOURCE_ROOT / "lenders"
    dbt_project: Path = SOURCE_ROOT / "dbt_project"
    expectations: Path = SOURCE_ROOT / "expectations"
    dashboards: Path = SOURCE_ROOT / "dashboards"

    gate_connections: int = Field(default=2, ge=1, description="queries that a gate asks at once")
    engine: Literal["postgres", "spark"] = Field(default="postgres", description="that runs the models")
    lake: str = Field(default="", description="path or URL of what lenders sent, as Parquet files; Spark reads it")
    spark_master: str = Field(
        default="", description="Spark's URL of the cluster, or local[2] for this machine's cores"
    )
    spark_environment: Path = Field(default=SOURCE_ROOT / ".venv-spark", description="made by `make spark`")
    jdbc_driver: Path = Field(default=Path("/usr/share/java/postgresql.jar"), description="Postgres's, for Spark")

    reports: str = Field(default="", description="path or fsspec URL of the reports; default: reports in the home")
    report_language: Literal["en", "zh"] = Field(default="en", description="language a report opens and is printed in")

    keep_publications: int = Field(
        default=90, ge=1, description="newest publications that can be shown again, beside those that closed a month"
    )
    keep_rejected_days: int = Field(default=400, ge=0, description="days that details of rejected rows are kept")

    warehouse_url: SecretStr | None = Field(
        default=None, description="owner's URL of the warehouse; unset = the embedded server"
    )
    loader_password: SecretStr | None = None
    builder_password: SecretStr | None = None
    publisher_password: SecretStr | None = None
    reader_password: SecretStr | None = None
    airflow_password: SecretStr | None = None
    superset_url: str | None = Field(default=None, description="the Superset that shows the marts; unset = none")
    superset_user: str = "arrears_publisher"
    superset_password: SecretStr | None = None
    superset_database_password: SecretStr | None = Field(
        default=None, description="has `arrears up` make a database for Superset's metadata"
    )
    pii_key: SecretStr | None = Field(default=None, description="key of the hash over identity numbers")

    @field_validator("lake")
    @classmethod
    def _from_anywhere(cls, lake: str) -> str:
        """A path as every process takes it for the same: Spark knows no `~`, and begins at a folder of its own."""
        return str(Path(lake).expanduser().absolute()) if lake and "://" not in lake else lake

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        from pydantic_settings import DotEnvSettingsSource

        home = Path(os.environ.get("ARREARS_HOME", SOURCE_ROOT / ".arrears"))
        generated = DotEnvSettingsSource(settings_cls, env_file=home / "secrets.env", env_file_encoding="utf-8")
        return init_settings, env_settings, generated

    @property
    def reports_address(self) -> str:
        return self.reports or str(self.home / "reports")

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.env"

    def owner(self) -> Address:
        """Address of the role that owns the warehouse: creates roles and tables, used by `arrears up` alone."""
        if self.warehouse_url is None:
            raise Usage(
                "No warehouse: ARREARS_WAREHOUSE_URL is not set and no embedded server has been started here. "
                "Run `arrears up`, or set ARREARS_WAREHOUSE_URL to a PostgreSQL 16 or newer."
            )
        return Address.parse(self.warehouse_url.get_secret_value())

    def url(self, role: Role) -> str:
        """libpq URL for `role`: the warehouse's address with that role's login and password."""
        owner = self.owner()
        password: SecretStr | None = getattr(self, f"{role.value}_password")
        if password is None:
            raise Usage(f"No password for {role.login}: set ARREARS_{role.value.upper()}_PASSWORD.")
        return owner.login(role.login, password.get_secret_value()).url()

    def airflow_url(self) -> str:
        """SQLAlchemy URL of Airflow's metadata: a second database of the same server."""
        if self.airflow_password is None:
            raise Usage("No password for Airflow's database: set ARREARS_AIRFLOW_PASSWORD.")
        login = self.owner().to(AIRFLOW).login(AIRFLOW, self.airflow_password.get_secret_value())
        return login.url("postgresql+psycopg2")

    def airflow_connections(self) -> dict[str, str]:
        """Environment variables that define the Airflow connections of the DAGs."""
        return {role.airflow_variable: self.url(role) for role in Role}

    def pii_key_bytes(self) -> bytes:
        if self.pii_key is None or not self.pii_key.get_secret_value():
            raise Usage(
                "This lender sends identity numbers, and there is no key to hash them with: set ARREARS_PII_KEY. "
                "Keep it: with another key the same person gets another hash."
            )
        key = self.pii_key.get_secret_value()
        if len(key) < SHORTEST_KEY:
            raise Usage(
                f"ARREARS_PII_KEY is shorter than {SHORTEST_KEY} characters: whoever guesses it knows every identity "
                "number by its hash. Set one made by `openssl rand -hex 32`; who was hashed already is another by it."
            )
        return key.encode()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
