"""What is done with the Superset that the environment names: ARREARS_SUPERSET_URL, _USER and _PASSWORD."""

from __future__ import annotations

from contextlib import AbstractContextManager

from arrears.errors import Usage
from arrears.settings import Role, Settings
from arrears.superset.bundle import DATABASE, DATABASE_FILE, bundle
from arrears.superset.client import Superset
from arrears.warehouse.address import Address

LOADING_TAKES = 300.0  # seconds at most, on a busy machine


def forget_figures(own: Settings) -> int:
    """Have it ask the marts anew. Returns the number of datasets of which it kept figures.

    Raises:
        Usage, Refused, Infrastructure: none is configured; it does not take the login; it cannot be reached.
    """
    with _logged_in(own, 60) as superset:
        return superset.forget_figures(DATABASE)


def load_dashboards(own: Settings) -> None:
    """Bring its datasets, charts and dashboards to what the folder says; the login has to be an administrator's.

    Raises:
        Usage, Refused, Infrastructure: as `forget_figures`; or Superset does not take the assets.
    """
    reader = Address.parse(own.url(Role.READER))
    with _logged_in(own, LOADING_TAKES) as superset:
        superset.load(bundle(own.dashboards / "superset" / "assets", reader), {DATABASE_FILE: reader.password})


def _logged_in(own: Settings, timeout: float) -> AbstractContextManager[Superset]:
    if not own.superset_url or own.superset_password is None:
        raise Usage("No Superset is configured: set ARREARS_SUPERSET_URL and ARREARS_SUPERSET_PASSWORD.")
    return Superset.logged_in(own.superset_url, own.superset_user, own.superset_password.get_secret_value(), timeout)
