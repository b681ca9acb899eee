"""Columns of texts as CSV, for formats that are read in columns and not row by row."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
from pyarrow import csv

from arrears.delivery.files import DeliveryFile
from arrears.delivery.pii import Treatment
from arrears.delivery.rendering import unstorable

BARE = csv.WriteOptions(include_header=False, quoting_style="none")
QUOTED = csv.WriteOptions(include_header=False, quoting_style="needed")


def written(
    file: DeliveryFile, columns: Sequence[pa.Array], personal: Sequence[tuple[int, Treatment]], first_line: int
) -> bytes:
    """Some rows as `rendering.rendered` writes them, personal data hashed or dropped.

    Args:
        file: where they come from, for the message.
        columns: one array of texts (or of a type that CSV writes as it should be) per column of the contract.
        personal: which of them are personal, and what becomes of a value (`pii.treatments`).
        first_line: line of the first of them; each row is one line.

    Raises:
        BrokenFile: a text that the warehouse cannot store (the character NUL).
    """
    texts = list(columns)
    for position, treat in personal:
        texts[position] = _treated(texts[position], treat)
    block = _csv(pa.record_batch(texts, names=[str(number) for number in range(len(texts))]))
    if b"\0" in block:
        lists = (text.cast(pa.string()).to_pylist() for text in texts)
        raise unstorable(file, list(zip(*lists, strict=True)), first_line)
    return block


def _treated(texts: pa.Array, treat: Treatment) -> pa.Array:
    values = texts.cast(pa.string()).to_pylist()
    return pa.array([None if value is None else treat(value) for value in values], pa.string())


def _csv(batch: pa.RecordBatch) -> bytes:
    """Without quotes where no text needs them: so it is read in half the time."""
    sink = io.BytesIO()
    try:
        csv.write_csv(batch, sink, BARE)
    except pa.ArrowInvalid:  # a quote, a comma or a line end in some text
        sink = io.BytesIO()
        csv.write_csv(batch, sink, QUOTED)
    return sink.getvalue()
