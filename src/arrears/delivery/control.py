"""What a manifest says of a delivery's files, held against them.

A trailer is read with its file and judged with its rows, whose column it sums; a marker need only be there.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from arrears.contract.model import Manifest
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import ControlFile, Delivery, DeliveryFile, reachable
from arrears.delivery.lines import sound_archive

LARGEST_MANIFEST = 1 << 24
MOST_DIGITS = 18  # of a number of rows; Python reads no integer of more than 4,300


@dataclass(frozen=True)
class _Found:
    """What could be read of a manifest: its entries by file name, and everything wrong with it as a whole."""

    entries: dict[str, list[dict[str, Any]]]
    faults: list[Fault]


def control_faults(delivery: Delivery, file: DeliveryFile, rows: int) -> Iterator[Fault]:
    """Where the manifest of a file disagrees with it.

    What is wrong with a manifest as a whole is a fault once, with the first of the delivery's files that it lists.

    Args:
        delivery: the delivery.
        file: one of its files.
        rows: how many rows it was found to have.

    Raises (while iterating):
        Infrastructure: the manifest changed while it was read.
    """
    rules, control = file.resource.arrears.control, _control_there(delivery, file)
    if not isinstance(rules, Manifest) or control is None:
        return  # one that is missing is a fault of the delivery already
    found = _read(delivery, rules, control)
    if file == next(other for other in delivery.files if delivery.control_file(other.resource) == control):
        yield from found.faults
    entries = found.entries.get(_name(delivery, file))
    if entries is None:
        if not found.faults:
            yield Fault(file.path, f"the manifest {control.path} does not list this file")
    elif len(entries) > 1:
        yield Fault(file.path, f"the manifest {control.path} lists this file {len(entries)} times")
    else:
        yield from _entry_faults(rules, entries[0], file, rows)


def _control_there(delivery: Delivery, file: DeliveryFile) -> ControlFile | None:
    """The file's manifest or marker, as the delivery has it: what it was when the delivery was fingerprinted counts."""
    wanted = delivery.control_file(file.resource)
    return next((control for control in delivery.control_files if control == wanted), None)


def _name(delivery: Delivery, file: DeliveryFile) -> str:
    return file.path.removeprefix(f"{delivery.folder}/")


def _entry_faults(rules: Manifest, entry: dict[str, Any], file: DeliveryFile, rows: int) -> Iterator[Fault]:
    claimed = _count(entry.get(rules.rows))
    if claimed is None:
        yield Fault(file.path, f"the manifest has no number of rows for this file under '{rules.rows}'")
    elif claimed != rows:
        yield Fault(file.path, f"the manifest says {claimed} rows, the file has {rows}")
    digest = entry.get(rules.sha256)
    if not isinstance(digest, str):
        yield Fault(file.path, f"the manifest has no SHA-256 for this file under '{rules.sha256}'")
    elif digest.strip().lower() != file.fingerprint[0]:
        yield Fault(file.path, "the manifest's SHA-256 is not that of this file; ask for both to be sent again")


def claimed_rows(text: str) -> int | None:
    """A number of rows as a lender writes it, or None where that is none."""
    digits = text.lstrip("0") or text[-1:]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else None


def _count(value: Any) -> int | None:
    if isinstance(value, str):
        return claimed_rows(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read(delivery: Delivery, rules: Manifest, control: ControlFile) -> _Found:
    try:
        with reachable(control.location), sound_archive(control), control.open() as stream:
            content = stream.read(LARGEST_MANIFEST)
    except BrokenFile as broken:
        control.ensure_unchanged()
        return _Found({}, broken.faults)
    control.ensure_unchanged()
    try:
        document = json.loads(content, parse_int=_integer)
    except ValueError as error:  # not UTF-8 included
        return _Found({}, [Fault(control.path, f"the manifest is not JSON ({error})")])
    except RecursionError:
        return _Found({}, [Fault(control.path, "the manifest is not JSON as we read it (nested too deeply)")])
    listed = document.get(rules.list) if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return _Found({}, [Fault(control.path, f"the manifest has no list of files under '{rules.list}'")])
    entries: dict[str, list[dict[str, Any]]] = {}
    faults = list(_date_faults(delivery.business_date, document.get(rules.business_date), rules, control))
    for number, entry in enumerate(listed, start=1):
        name = entry.get(rules.name) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            faults.append(Fault(control.path, f"entry {number} of the manifest has no '{rules.name}'"))
        else:
            entries.setdefault(name.removeprefix("./"), []).append(entry)
    return _Found(entries, [*faults, *_listing_faults(delivery, control, list(entries))])


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _date_faults(day: dt.date, claimed: Any, rules: Manifest, control: ControlFile) -> Iterator[Fault]:
    if not isinstance(claimed, str | int):
        yield Fault(control.path, f"the manifest has no business date under '{rules.business_date}'")
    elif str(claimed).replace("-", "") != f"{day:%Y%m%d}":
        yield Fault(control.path, f"the manifest is of the business date {str(claimed)[:20]}, not of {day}")


def _listing_faults(delivery: Delivery, control: ControlFile, names: list[str]) -> Iterator[Fault]:
    """Files that are listed and are not there, or that nobody expects."""
    known = {_name(delivery, file) for file in delivery.expected if delivery.control_file(file.resource) == control}
    present = {_name(delivery, file) for file in delivery.files}
    for name in names:
        if name not in known:
            yield Fault(control.path, f"the manifest lists '{name}', which the contract does not know")
        elif name not in present:
            yield Fault(control.path, f"the manifest lists '{name}', which is not there")
