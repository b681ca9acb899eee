"""The profile `superset` of docker-compose.yml without Docker: its services' own commands, one after the other."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
from pydantic import SecretStr

from arrears.settings import SUPERSET, Settings
from arrears.superset.client import Superset
from arrears.warehouse.provision import provision

from ..integration.test_compose import SERVICES, Native, free_port
from .conftest import PROGRAMS

pytestmark = [pytest.mark.superset, pytest.mark.timeout(900)]

SECRETS = (
    "SUPERSET_SECRET_KEY", "SUPERSET_ADMIN_PASSWORD", "ARREARS_SUPERSET_PASSWORD", "ARREARS_SUPERSET_DATABASE_PASSWORD",
)  # fmt: skip


class Profile(Native):
    """Superset's services: their programs are in an environment of their own."""

    def __init__(self, folder: Path, server: Settings) -> None:
        super().__init__(folder)
        self.ports |= {"postgres": server.owner().port, "superset": free_port()}
        self.values |= {name: f"s3cret-{name.lower()}" for name in SECRETS}
        self.values["ARREARS_READER_PASSWORD"] = server.reader_password.get_secret_value()
        (folder / "superset").mkdir()

    def text(self, value: str) -> str:
        value = super().text(value)
        for inside in ("0.0.0.0:8088", "127.0.0.1:8088", "superset:8088"):
            value = value.replace(inside, f"127.0.0.1:{self.ports['superset']}")
        return value.replace("/opt/superset", str(self.folder / "superset"))

    def environment(self, service: str) -> dict[str, str]:
        own = super().environment(service) | {"PYTHONDONTWRITEBYTECODE": ""}
        if service in ("superset", "superset-init"):
            own["PATH"] = f"{PROGRAMS}:{own['PATH']}"
        return own

    def runs(self, name: str, **changes: str) -> tuple[int, str]:
        """Run a service that ends by itself; its exit code and what it said."""
        with self.started(name, [self.text(part) for part in SERVICES[name]["command"]],
                          self.environment(name) | changes) as process:  # fmt: skip
            code = process.wait(240)
        return code, (self.folder / f"{name}.log").read_text()


@pytest.fixture
def profile(server: Settings, tmp_path: Path) -> Profile:
    found = Profile(tmp_path, server)
    password = SecretStr(found.values["ARREARS_SUPERSET_DATABASE_PASSWORD"])
    provision(server.model_copy(update={"superset_database_password": password}))
    return found


def test_it_starts_gets_healthy_and_is_filled(profile: Profile) -> None:
    assert profile.runs("superset-init")[0] == 0
    with ExitStack() as running:
        command = [profile.text(part) for part in SERVICES["superset"]["command"]]
        running.enter_context(profile.started("superset", command, profile.environment("superset")))
        profile.wait_until_healthy(["superset"], 240)
        for _ in range(2):
            code, said = profile.runs("superset-dashboards")
            assert (code, "loaded" in said) == (0, True), said
        url = f"http://127.0.0.1:{profile.ports['superset']}"
        with Superset.logged_in(url, "arrears", profile.values["SUPERSET_ADMIN_PASSWORD"]) as superset:
            assert superset.get("/api/v1/dashboard/")["count"] == 4


@pytest.mark.parametrize("name", SECRETS[:3])
def test_without_its_secrets_it_does_not_start(profile: Profile, name: str) -> None:
    code, said = profile.runs("superset-init", **{name: ""})
    assert code
    assert f"{name} is not set" in said


def test_its_metadata_lie_beside_the_warehouse_and_cannot_reach_it(profile: Profile, server: Settings) -> None:
    password = profile.values["ARREARS_SUPERSET_DATABASE_PASSWORD"]
    own = server.owner().login(SUPERSET, password)
    psycopg2.connect(own.to(SUPERSET).url()).close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(own.url())
