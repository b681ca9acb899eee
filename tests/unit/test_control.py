"""Manifests and markers: what they vouch for, and what makes a delivery complete."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arrears.contract.model import Contract
from arrears.delivery import Delivery, Fault
from arrears.delivery.control import claimed_rows, control_faults
from arrears.delivery.files import DeliveryFile
from arrears.delivery.stream import open_stream
from arrears.errors import Infrastructure

DAY = dt.date(2024, 3, 5)
MANIFEST = {"kind": "manifest", "file": "manifest_{date:%Y%m%d}.json"}
OK = {"kind": "ok", "file": "{date:%Y%m%d}.ok"}
LOANS, PAYMENTS = b'{"no": 1}\n{"no": 2}\n', b'{"no": 1}\n'


def _contract(control: dict[str, Any]) -> Contract:
    def resource(name: str, required: bool) -> dict[str, Any]:
        return {
            "name": name, "path": f"{name}.jsonl", "format": "jsonl", "schema": {"fields": [{"name": "no"}]},
            "arrears": {"file": f"{name}.jsonl", "entity": "loan", "mode": "append", "required": required,
                        "control": control},
        }  # fmt: skip

    return Contract.model_validate({
        "name": "acme", "resources": [resource("loans", True), resource("payments", False)],
        "arrears": {"effective_from": "2024-01-01", "names": {"en": "Acme"}, "currency": "CNY", "timezone": "UTC"},
    })  # fmt: skip


def _entry(name: str, content: bytes, rows: Any) -> dict[str, Any]:
    return {"name": name, "rows": rows, "sha256": hashlib.sha256(content).hexdigest()}


def _manifest(**more: Any) -> dict[str, Any]:
    entries = [_entry("loans.jsonl", LOANS, 2), _entry("payments.jsonl", PAYMENTS, 1)]
    return {"business_date": "2024-03-05", "files": entries, **more}


def _delivery(folder: Path, control: dict[str, Any], **files: bytes) -> Delivery:
    """A delivery with these files; a name's `_` stands for its dot."""
    day = folder / "acme" / "2024-03-05"
    day.mkdir(parents=True, exist_ok=True)
    for name, content in {"loans_jsonl": LOANS, "payments_jsonl": PAYMENTS, **files}.items():
        (day / ".".join(name.rsplit("_", 1))).write_bytes(content)
    return Delivery(_contract(control), DAY, str(folder))


def _judged(folder: Path, manifest: Any, control: dict[str, Any] = MANIFEST) -> list[Fault]:
    """The faults of both files against a manifest, if they have the rows that they do have."""
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    delivery = _delivery(folder, control, manifest_20240305_json=content)
    return [fault for file, rows in zip(delivery.files, (2, 1), strict=True)
            for fault in control_faults(delivery, file, rows)]  # fmt: skip


def test_a_manifest_that_agrees(tmp_path: Path) -> None:
    assert _judged(tmp_path, _manifest()) == []
    assert _judged(tmp_path, _manifest(business_date=20240305)) == []
    upper = [_entry("./loans.jsonl", LOANS, "2"), _entry("payments.jsonl", PAYMENTS, 1)]
    upper[0]["sha256"] = upper[0]["sha256"].upper()
    assert _judged(tmp_path, _manifest(files=upper)) == []


def test_a_manifest_in_a_lenders_own_words(tmp_path: Path) -> None:
    keys = {"list": "清单", "name": "文件", "rows": "行数", "sha256": "摘要", "business_date": "日期"}
    entries = [
        {"文件": name, "行数": rows, "摘要": hashlib.sha256(content).hexdigest()}
        for name, content, rows in (("loans.jsonl", LOANS, 2), ("payments.jsonl", PAYMENTS, 1))
    ]
    manifest = {"日期": "2024-03-05", "清单": entries}
    assert _judged(tmp_path, manifest, MANIFEST | keys) == []


def _without(entry: int, key: str) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest["files"][entry].pop(key)


@pytest.mark.parametrize(
    ("change", "file", "said"),
    [
        (lambda m: m["files"][0].update(rows=3), "loans.jsonl", "the manifest says 3 rows, the file has 2"),
        (lambda m: m["files"][0].update(rows="two"), "loans.jsonl", "no number of rows for this file under 'rows'"),
        (lambda m: m["files"][0].update(rows=True), "loans.jsonl", "no number of rows"),
        (lambda m: m["files"][0].update(rows="9" * 5000), "loans.jsonl", "no number of rows"),
        (lambda m: m.update(business_date=["2024-03-05"]), "manifest_20240305.json", "no business date under"),
        (_without(1, "rows"), "payments.jsonl", "no number of rows"),
        (_without(1, "sha256"), "payments.jsonl", "no SHA-256 for this file under 'sha256'"),
        (lambda m: m["files"][1].update(sha256="0" * 64), "payments.jsonl", "SHA-256 is not that of this file"),
        (lambda m: m["files"].append(m["files"][0]), "loans.jsonl", "lists this file 2 times"),
        (lambda m: m["files"].pop(), "payments.jsonl", "does not list this file"),
        (lambda m: m.update(business_date="2024-03-04"), "manifest_20240305.json",
         "of the business date 2024-03-04, not of 2024-03-05"),
        (lambda m: m.pop("business_date"), "manifest_20240305.json", "no business date under 'business_date'"),
    ],
)  # fmt: skip
def test_a_manifest_that_does_not(
    change: Callable[[dict[str, Any]], None], file: str, said: str, tmp_path: Path
) -> None:
    manifest = _manifest()
    change(manifest)
    (fault,) = _judged(tmp_path, manifest)
    assert (fault.file, fault.refuses) == (f"acme/2024-03-05/{file}", True)
    assert said in fault.rule


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"", ["the manifest is not JSON"]),
        (b"{", ["the manifest is not JSON"]),
        (b"\xff\xfe\xfd", ["the manifest is not JSON"]),
        (b"[" * 100_000 + b"]" * 100_000, ["the manifest is not JSON as we read it (nested too deeply)"]),
        ([], ["no list of files under 'files'"]),
        ({"business_date": "2024-03-05"}, ["no list of files under 'files'"]),
        ({"business_date": "2024-03-05", "files": {}}, ["no list of files under 'files'"]),
        (_manifest(files=["loans.jsonl", 3]), ["entry 1 of the manifest has no 'name'", "entry 2"]),
        (
            _manifest(files=[*_manifest()["files"], _entry("people.jsonl", b"", 0)]),
            ["lists 'people.jsonl', which the contract does not know"],
        ),
    ],
)
def test_a_manifest_that_is_wrong_as_a_whole_is_told_once(manifest: Any, said: list[str], tmp_path: Path) -> None:
    faults = _judged(tmp_path, manifest)
    assert {fault.file for fault in faults} == {"acme/2024-03-05/manifest_20240305.json"}
    for fault, words in zip(faults, said, strict=True):
        assert words in fault.rule


@pytest.mark.parametrize("cut", [2, 40])
def test_a_compressed_manifest_that_is_truncated_is_told_once(cut: int, tmp_path: Path) -> None:
    control = {"kind": "manifest", "file": "manifest.json.gz"}
    delivery = _delivery(
        tmp_path, control, **{"manifest.json_gz": gzip.compress(json.dumps(_manifest()).encode())[:cut]}
    )
    (fault,) = [fault for file in delivery.files for fault in control_faults(delivery, file, 2)]
    assert fault.file == "acme/2024-03-05/manifest.json.gz"
    assert "the compressed file is broken or truncated" in fault.rule


def test_a_count_of_more_digits_than_python_reads(tmp_path: Path) -> None:
    """The fault is of the file that it counts, and of no other."""
    content = json.dumps(_manifest()).replace('"rows": 2', f'"rows": {"9" * 5000}').encode()
    (fault,) = _judged(tmp_path, content)
    assert fault.file == "acme/2024-03-05/loans.jsonl"
    assert fault.rule == "the manifest has no number of rows for this file under 'rows'"


@pytest.mark.parametrize(
    ("text", "rows"),
    [("0", 0), ("000", 0), ("12", 12), ("0" * 5000 + "3", 3), ("", None), ("1e3", None), ("-1", None), ("３", None),
     ("9" * 5000, None)],
)  # fmt: skip
def test_numbers_of_rows(text: str, rows: int | None) -> None:
    assert claimed_rows(text) == rows


def test_a_listed_file_that_is_not_there(tmp_path: Path) -> None:
    delivery = _delivery(tmp_path, MANIFEST, manifest_20240305_json=json.dumps(_manifest()).encode())
    (tmp_path / "acme" / "2024-03-05" / "payments.jsonl").unlink()
    (fault,) = control_faults(delivery, delivery.files[0], 2)
    assert fault.rule == "the manifest lists 'payments.jsonl', which is not there"


# ── complete or not ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("control", [MANIFEST, OK])
def test_a_delivery_waits_for_its_control_file(control: dict[str, Any], tmp_path: Path) -> None:
    delivery = _delivery(tmp_path, control)
    assert not delivery.is_complete()
    (fault,) = delivery.missing  # once, though two files share it
    assert fault.file == "acme/2024-03-05/" + control["file"].format(date=DAY)
    assert fault.rule == f"the file is missing from {tmp_path}"
    assert not list(control_faults(delivery, delivery.files[0], 2))


def test_a_marker_need_only_be_there(tmp_path: Path) -> None:
    delivery = _delivery(tmp_path, OK, **{"20240305_ok": b""})
    assert delivery.is_complete()
    assert not list(control_faults(delivery, delivery.files[0], 2))


def test_what_a_manifest_says_is_part_of_the_delivery(tmp_path: Path) -> None:
    hashes = {
        _delivery(tmp_path, MANIFEST, manifest_20240305_json=json.dumps(_manifest(note=note)).encode()).content_hash
        for note in ("", "", "sent again")
    }
    assert len(hashes) == 2


# ── a file that changes under our hands ──────────────────────────────────────────────────────────────────


def _file(folder: Path, content: bytes) -> tuple[DeliveryFile, Path]:
    delivery = _delivery(folder, OK, loans_jsonl=content)
    return delivery.files[0], folder / "acme" / "2024-03-05" / "loans.jsonl"


def test_a_file_replaced_before_it_was_read(tmp_path: Path) -> None:
    file, path = _file(tmp_path, LOANS)
    assert file.fingerprint[1] == len(LOANS)
    path.write_bytes(LOANS.replace(b"2", b"3"))
    with pytest.raises(Infrastructure, match=r"loans\.jsonl changed while it was read.*run again"):
        list(open_stream(file, lambda: b""))


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    file, path = _file(tmp_path, LOANS * 100_000)
    assert file.fingerprint
    blocks = iter(open_stream(file, lambda: b""))
    assert next(blocks)
    with path.open("ab") as sink:
        sink.write(LOANS)
    with pytest.raises(Infrastructure, match="changed while it was read"):
        list(blocks)


def test_a_manifest_that_is_still_being_written(tmp_path: Path) -> None:
    """What is there of it is no JSON, and no fault either."""
    whole = json.dumps(_manifest()).encode()
    delivery = _delivery(tmp_path, MANIFEST, manifest_20240305_json=whole[:-20])
    assert delivery.content_hash
    (tmp_path / "acme" / "2024-03-05" / "manifest_20240305.json").write_bytes(whole)
    with pytest.raises(Infrastructure, match=r"manifest_20240305\.json changed while it was read.*run again"):
        list(control_faults(delivery, delivery.files[0], 2))


def test_a_file_that_stays_is_read_as_often_as_one_likes(tmp_path: Path) -> None:
    file, path = _file(tmp_path, LOANS)
    assert file.fingerprint
    path.chmod(0o600)
    for _ in range(2):
        assert b"".join(open_stream(file, lambda: b"")) == b"1\n2\n"
