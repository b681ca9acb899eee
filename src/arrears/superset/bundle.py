"""The folder of assets as one file, with the address of a warehouse in it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ruamel.yaml import YAML

from arrears.warehouse.address import Address

DATABASE = "arrears"  # what the database is called in Superset
DATABASE_FILE = f"databases/{DATABASE}.yaml"
MASKED = "XXXXXXXXXX"  # stands for a password in Superset's exports


def bundle(folder: Path, reader: Address) -> bytes:
    """What Superset imports: every file of the folder, the database among them at the reader's address.

    The password is not in it; it is given beside it, by the name DATABASE_FILE.
    """
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*.yaml")):
            name = path.relative_to(folder).as_posix()
            text = path.read_text(encoding="utf-8")
            packed.writestr(f"assets/{name}", _at(text, reader) if name == DATABASE_FILE else text)
    return output.getvalue()


def _at(database: str, reader: Address) -> str:
    yaml, text = YAML(), io.StringIO()
    described = yaml.load(database)
    described["sqlalchemy_uri"] = reader.login(reader.user, MASKED).url("postgresql+psycopg2")
    yaml.dump(described, text)
    return text.getvalue()
