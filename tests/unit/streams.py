"""Files of any format for the tests of what reads them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from arrears.contract.model import Resource
from arrears.delivery.files import DeliveryFile
from arrears.delivery.stream import BrokenFile, RowStream, open_stream

KEY = b"a key for tests"
IDENTITY, PHONE, NAME = "110101199003078515", "13800138000", "张三丰"


def resource(form: str, columns: list[Any], **properties: Any) -> Resource:
    """A file's description; a column is a name, or a whole field."""
    fields = [{"name": column} if isinstance(column, str) else column for column in columns]
    control = properties.pop("control", None)
    return Resource.model_validate({
        "name": "rows", "path": f"rows.{form}", "format": form,
        "schema": {"fields": fields, **properties.pop("schema", {})},
        "arrears": {"file": f"rows.{form}", "entity": "loan", "mode": "snapshot", "control": control}, **properties,
    })  # fmt: skip


def stored(folder: Path, content: bytes, described: Resource, name: str = "") -> DeliveryFile:
    name = name or described.path
    (folder / name).write_bytes(content)
    return DeliveryFile(described, f"acme/{name}", str(folder / name))


def read(file: DeliveryFile) -> tuple[bytes, RowStream]:
    stream = open_stream(file, lambda: KEY)
    return b"".join(stream), stream


def rows(file: DeliveryFile) -> list[list[str]]:
    """The rows as they are split; null and the empty text look alike."""
    return list(csv.reader(io.StringIO(read(file)[0].decode(), newline="")))


def broken(file: DeliveryFile) -> BrokenFile:
    with pytest.raises(BrokenFile) as found:
        read(file)
    return found.value
