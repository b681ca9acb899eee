"""docs/onboarding.md, done as it says: a lender nobody built, from sample files to published marts, and every error."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.contract import read_contract
from arrears.onboard import onboard
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.simulate import simulate

from ..conftest import Warehouse
from . import newcomer
from .command_line import CommandLine

DAY = newcomer.DAY
DOC = (SOURCE_ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")


# ── what the page says ───────────────────────────────────────────────────────────────────────────────────


def sample_files() -> dict[str, str]:
    return dict(re.findall(r"^`(\w+\.csv)`\n\n```text\n(.*?)```$", DOC, re.M | re.S))


def table_below(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading or other line, without the header; code without its ticks."""
    lines = DOC[DOC.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def code(cell: str) -> str:
    ticks = "``" if cell.startswith("``") else "`"
    return cell.removeprefix(ticks).removesuffix(ticks)


def messages(heading: str) -> dict[str, str]:
    """Situation and message of every row of a table of errors."""
    return {situation: code(message) for situation, message, *_ in table_below(heading)}


CONTRACTS, FILES, SETTINGS = (
    messages(f"### {heading}") for heading in ("A wrong contract", "Wrong files", "A wrong set-up")
)


def assert_said(message: str, said: list[str]) -> None:
    pattern = ".*".join(map(re.escape, message.split("…")))
    assert any(re.fullmatch(pattern, line, re.S) for line in said), f"{message}\nwas not said, but\n" + "\n".join(said)


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


@pytest.fixture
def lenders(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of contracts, in use."""
    folder = tmp_path / "lenders"
    folder.mkdir()
    monkeypatch.setenv("ARREARS_LENDERS", str(folder))
    settings.cache_clear()
    return folder


# ── the walk ─────────────────────────────────────────────────────────────────────────────────────────────

SAME_BOOK = """\
name: {lender}
arrears: {{effective_from: 2024-01-01, names: {{en: Borealis}}, currency: EUR, timezone: Europe/Helsinki}}
resources:
  - name: loans
    path: loans
    format: {format}
    schema:
      fields:
        {head}
        - {{name: id, arrears: {{field: loan_id}}}}
        - {{name: product, arrears: {{field: product}}}}
        - {{name: amount, type: number, arrears: {{field: principal}}}}
        - {{name: start, type: date, arrears: {{field: disbursed_on}}}}
    arrears: {{file: loans, entity: loan, mode: {mode}, {change} constants: {{currency: EUR}}}}
  - name: plan
    path: plan
    format: {format}
    schema:
      fields:
        {head}
        - {{name: loan, arrears: {{field: loan_id}}}}
        - {{name: "no", type: integer, arrears: {{field: instalment_no}}}}
        - {{name: due, type: date, arrears: {{field: due_on}}}}
        - {{name: principal, type: number, arrears: {{field: principal_due}}}}
        - {{name: interest, type: number, arrears: {{field: interest_due}}}}
    arrears: {{file: plan, entity: instalment, mode: {mode}, {change} }}
  - name: payments
    path: payments
    format: {format}
    schema:
      fields:
        {head}
        - {{name: id, arrears: {{field: payment_id}}}}
        - {{name: loan, arrears: {{field: loan_id}}}}
        - {{name: paid, type: date, arrears: {{field: value_on}}}}
        - {{name: kind, arrears: {{field: kind, values: {{PMT: repayment, RET: reversal}}}}}}
        - {{name: amount, type: number, arrears: {{field: amount}}}}
        - {{name: reverses, arrears: {{field: reverses_payment_id}}}}
    arrears: {{file: payments, entity: payment, mode: {mode}, {change} }}
"""


def book() -> dict[str, list[dict[str, str]]]:
    """The page's loans, plan and payments as other lenders would write them."""
    columns = {
        "loans": {"id": 0, "product": 2, "amount": 3, "start": 6},
        "plan": {"loan": 0, "no": 1, "due": 2, "principal": 3, "interest": 4},
        "payments": {"id": 0, "loan": 1, "paid": 2, "kind": 3, "amount": 4, "reverses": 5},
    }
    found: dict[str, list[dict[str, str]]] = {}
    for name, places in columns.items():
        lines = [line.split(";") for line in sample_files()[f"{name}.csv"].splitlines()[1:]]
        found[name] = [{column: plainly(line[at]) for column, at in places.items()} for line in lines]
    return found


def plainly(text: str) -> str:
    """A date as 2024-01-31, an amount as 1200.00."""
    if re.fullmatch(r"\d\d\.\d\d\.\d{4}", text):
        return dt.datetime.strptime(text, "%d.%m.%Y").date().isoformat()
    return text.replace(".", "").replace(",", ".") if re.fullmatch(r"[\d.]+,\d\d", text) else text


def other_lender(lenders: Path, landing: Path, lender: str, *, changes: bool) -> None:
    """The same book from a lender that sends JSON Lines, or one that sends changes in a CSV file."""
    change = "change: {op: op, at: at}," if changes else ""
    head = "- {name: op}\n        - {name: at, type: datetime}" if changes else "# nothing beside the values"
    contract = SAME_BOOK.format(
        lender=lender, format="csv" if changes else "jsonl", mode="changes" if changes else "upsert", change=change,
        head=head,
    )  # fmt: skip
    (lenders / lender).mkdir()
    (lenders / lender / "datapackage.yaml").write_text(contract if changes else by_history(contract))
    folder = landing / lender / DAY.isoformat()
    folder.mkdir(parents=True)
    for name, rows in book().items():
        if changes:
            at = f"{DAY}T10:00:00+03:00"
            text = "\n".join(["op,at," + ",".join(rows[0]), *(f"I,{at}," + ",".join(row.values()) for row in rows)])
        else:
            text = "\n".join(json.dumps(row) for row in rows)
        (folder / name).write_text(text + "\n")


def by_history(contract: str) -> str:
    """Payments are appended."""
    return contract.replace("entity: payment, mode: upsert", "entity: payment, mode: append")


def marts(warehouse: Warehouse, lender: str) -> list[tuple[object, ...]]:
    return warehouse.rows(
        "select loan_id, state, dpd, bucket, overdue_amount, outstanding_principal from fct_loan_current "
        "where lender = %s order by loan_id",
        lender, role=Role.READER,
    )  # fmt: skip


@pytest.mark.usefixtures("models_alone")
def test_the_walk(warehouse: Warehouse, lenders: Path, arrears: CommandLine, tmp_path: Path) -> None:
    samples = tmp_path / "landing" / "borealis" / DAY.isoformat()
    samples.mkdir(parents=True)
    for name, text in sample_files().items():
        (samples / name).write_text(text)
    drafted = arrears("onboard", *map(str, sorted(samples.iterdir())), "--out", str(lenders))
    assert drafted.code == 0
    assert "9 places to decide" in drafted.err
    for secret in ("Aino", "131052-308T", "123 4567"):
        assert secret not in drafted.out + drafted.err + (lenders / "borealis" / "datapackage.yaml").read_text()
    undecided = arrears("check", "borealis", DAY.isoformat())
    assert (undecided.code, "arrears.currency" in undecided.err) == (1, True)

    contract = lenders / "borealis" / "datapackage.yaml"
    text = contract.read_text()
    for says, shall, _ in table_below("**4. Decisions.**"):
        assert code(says) in text
        text = text.replace(code(says), code(shall))
    contract.write_text(text)
    checked = arrears("check", "borealis", DAY.isoformat())
    assert (checked.code, checked.err) == (0, "")
    assert "24 rows, 0 rejected: would be loaded, for the gate to judge" in checked.out

    for lender, changes in (("borealis_lines", False), ("borealis_changes", True)):
        other_lender(lenders, tmp_path / "landing", lender, changes=changes)
        loaded = pipeline.load(lender, DAY, url=warehouse.url(Role.LOADER))
        assert loaded.rejected == 0
        pipeline.gate_delivery(loaded.delivery_id, url=warehouse.url(Role.LOADER))
    done = arrears("run", "--date", DAY.isoformat(), "--lender", "borealis")
    assert done.code == 0, done.err
    shown = [list(map(str, row)) for row in marts(warehouse, "borealis")]
    assert shown == table_below("**7. The marts.**")
    # These two send no events, so that nobody says that BO-4 is settled. It is: by its payments.
    for lender in ("borealis_lines", "borealis_changes"):
        assert marts(warehouse, lender) == marts(warehouse, "borealis")
    buckets = warehouse.rows(
        "select bucket, loans from mart_delinquency_daily where lender = 'borealis' and as_of_date = %s and loans > 0 "
        "order by bucket",
        DAY, role=Role.READER,
    )  # fmt: skip
    assert buckets == [("M0", 1), ("M1", 1), ("M3", 1)]


def test_a_draft_goes_to_standard_output_and_what_is_open_beside_it(arrears: CommandLine, tmp_path: Path) -> None:
    samples = []
    for name, text in sample_files().items():
        samples.append(str(tmp_path / name))
        (tmp_path / name).write_text(text)
    drafted = arrears("onboard", *samples, "--lender", "borealis")
    assert drafted.code == 0
    assert drafted.out == onboard(list(map(Path, samples)), "borealis").text
    assert "loans.csv: loan (4 rows read)" in drafted.err
    assert 'PMT: "???": which of repayment' in drafted.err
    told = json.loads(arrears("onboard", *samples, "--lender", "borealis", "--json").out)
    assert (told["lender"], told["text"], told["path"]) == ("borealis", drafted.out, None)
    assert {"line", "written", "question"} == set(told["open_places"][0])
    assert arrears("onboard").code == 2
    (tmp_path / "broken.jsonl.gz").write_bytes(b"\x1f\x8b broken")
    broken = arrears("onboard", str(tmp_path / "broken.jsonl.gz"))
    assert (broken.code, len(broken.err.splitlines())) == (1, 1)


# ── a draft of a real layout ─────────────────────────────────────────────────────────────────────────────


def test_a_finished_draft_takes_the_delivery_it_was_drafted_from(
    warehouse: Warehouse, lenders: Path, tmp_path: Path
) -> None:
    """GB18030 with trailers, fen and Chinese headers, from the simulator: every row is accepted."""
    first = dt.date(2024, 3, 4)
    simulate(start=first, end=first, loans=150, seed=3, lenders=["lakala"], landing=tmp_path / "landing",
             truth=tmp_path / "truth")  # fmt: skip
    samples = sorted((tmp_path / "landing" / "lakala" / first.isoformat()).iterdir())
    draft = onboard(samples)
    path = draft.write(lenders)
    path.write_text(settled(draft.text))
    contract = read_contract(path)
    assert {resource.arrears.entity for resource in contract.resources} >= {"loan", "instalment", "payment", "borrower"}
    findings = pipeline.check("lakala", first, url=warehouse.url(Role.LOADER))
    assert ([str(fault) for fault in findings.faults], findings.rejected) == ([], 0)
    assert findings.rows > 1000


def settled(text: str) -> str:
    """Every open place of a draft filled with the first answer that it offers."""
    lines = []
    for line in text.splitlines():
        offered = re.search(r"which of (\w+)", line)
        lines.append(line.replace('"???"', offered.group(1)) if offered else line)
    return "\n".join(lines) + "\n"


# ── every error ──────────────────────────────────────────────────────────────────────────────────────────


def test_every_situation_is_on_the_page_and_every_row_of_the_page_is_tried() -> None:
    assert list(CONTRACTS) == list(newcomer.CONTRACTS)
    assert list(FILES) == list(newcomer.FILES)
    assert list(SETTINGS) == list(newcomer.SETTINGS)


@pytest.mark.parametrize("situation", CONTRACTS)
def test_a_wrong_contract(situation: str, tmp_path: Path) -> None:
    assert_said(CONTRACTS[situation], newcomer.said_of_contract(situation, tmp_path))


@pytest.fixture(scope="module")
def prepared(shared_warehouse: Warehouse) -> Path:
    """Contract and landing of the newcomer's lender, with a day that was accepted."""
    home = shared_warehouse.settings.home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARREARS_LENDERS", str(home / "lenders"))
        settings.cache_clear()
        newcomer.prepare(home)
    settings.cache_clear()
    return home


@pytest.fixture
def ground(prepared: Path, arrears: CommandLine) -> Iterator[newcomer.Ground]:
    with pytest.MonkeyPatch.context() as patch:
        here = newcomer.Ground(prepared, patch, arrears)
        here.set("ARREARS_LENDERS", str(prepared / "lenders"))
        newcomer.deliver(here.day)
        yield here
        shutil.rmtree(here.day)
        here.contract.with_name("datapackage.newer.yaml").unlink(missing_ok=True)
    settings.cache_clear()


def test_the_delivery_is_good_before_anything_is_done_to_it(ground: newcomer.Ground) -> None:
    assert ground.check() == []


@pytest.mark.parametrize("situation", FILES)
def test_a_wrong_file(situation: str, ground: newcomer.Ground) -> None:
    newcomer.FILES[situation](ground.day)
    said = ground.check()
    assert_said(FILES[situation], said)
    for secret in ("131052-308T", "401234567"):
        assert all(secret not in line for line in said)


@pytest.mark.parametrize("situation", SETTINGS)
def test_a_wrong_set_up(situation: str, ground: newcomer.Ground) -> None:
    assert_said(SETTINGS[situation], newcomer.SETTINGS[situation](ground))
