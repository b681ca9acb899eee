"""How an explanation is shown to people: the reason first, then what it rests on, every figure with its source."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from arrears.cli.output import out, say
from arrears.explain import Explanation

Row = Mapping[str, Any]

COMPONENTS = ("principal", "interest", "fee", "penalty")
# Wide enough that nothing wraps where the output goes into a file or another program.
WIDTH_OF_FILES = 2000


def show(explanation: Explanation) -> None:
    """Print an explanation: in tables on a terminal, in plain columns elsewhere."""
    out.print(f"[bold]{escape(explanation.reason)}[/]")
    _summary(explanation)
    for note in explanation.reservations:
        say(f"Note: {note}")
    if explanation.oldest_unpaid is not None:
        _oldest_unpaid(explanation.oldest_unpaid, "Oldest unpaid instalment")
    contractual = explanation.contractual_oldest_unpaid
    if contractual is not None and contractual["schedule_version"] != explanation.state["schedule_version"]:
        _oldest_unpaid(contractual, "Oldest unpaid instalment of the original schedule")
    _instalments(explanation)
    _payments(explanation)
    _held_out(explanation.held_out)
    _schedule_versions(explanation.schedule_versions)
    _events(explanation.events)
    _position(explanation.position)
    _conventions(explanation.conventions)


def _summary(explanation: Explanation) -> None:
    loan, state, known = explanation.loan, explanation.state, explanation.as_known
    by = f"build {known.build_id} for {known.business_date}, arrears {known.code_version}"
    facts = [
        ("loan", f"{explanation.lender} {explanation.loan_id}, {loan['product']}  {_source(loan)}"),
        ("disbursed", f"{loan['principal']} {loan['currency']} on {loan['disbursed_on']}"),
        ("as of", str(explanation.as_of)),
        ("as known", f"{known} ({by})" if known.publication_id is not None else f"not published ({by})"),
        ("state", f"{state['state']} since {state['state_since']}"),
        ("days past due", f"{state['dpd']}, by the original schedule {state['contractual_dpd']}"),
        ("bucket", f"{state['bucket']} of {state['scheme']}, {state['grace_days']} days of grace"),
        ("outstanding", f"{state['outstanding_principal']} principal, {state['outstanding_is']}"),
        ("overdue", f"{state['overdue_amount']}, of which principal {state['overdue_principal']}"),
    ]  # fmt: skip
    if state["paused_from"] is not None:
        until = "further notice" if state["paused_until"] is None else str(state["paused_until"])
        facts.append(("paused", f"from {state['paused_from']} until {until}"))
    facts += [("published", line) for line in _published(explanation)]
    _grid("", ["", ""], [[name, text] for name, text in facts], header=False)


def _published(explanation: Explanation) -> Iterable[str]:
    for comparison in explanation.published:
        if not comparison.differences:
            yield f"{comparison.mart} says the same"
        for figure, (published, found) in comparison.differences.items():
            yield f"DIFFERS: {comparison.mart}.{figure} says {_text(published)}, found {_text(found)}"


def _oldest_unpaid(instalment: Row, title: str) -> None:
    say(
        f"\n{title}: {instalment['instalment_no']} of schedule version {instalment['schedule_version']}, due "
        f"{instalment['due_on']}, owed {instalment['owed']} ({_parts(instalment, '_due')}), settled "
        f"{instalment['settled']}, short {instalment['short']}  {_source(instalment)}"
    )
    for payment in instalment["payments"]:
        say(
            f"  {payment['value_on']} {payment['kind']} {payment['payment_id']} of {payment['amount']}, here "
            f"{payment['effect']['counted']} ({_parts(payment['effect'])}){_reversal(payment)}  {_source(payment)}"
        )


def _instalments(explanation: Explanation) -> None:
    due = [row for row in explanation.instalments if row["due_on"] <= explanation.as_of or row["payments"]]
    _grid(
        f"Instalments due or paid on by {explanation.as_of} "
        f"({len(due)} of the {len(explanation.instalments)} of the schedule in force)",
        ["no", "due on", "owed", "settled", "short", "settled on", "paid by", "source"],
        [
            [
                row["instalment_no"], _due(row), row["owed"], row["settled"], row["short"] if row["is_short"] else None,
                row["settled_on"], ", ".join(payment["payment_id"] for payment in row["payments"]), _source(row),
            ]
            for row in due
        ],
    )  # fmt: skip


def _due(instalment: Row) -> str:
    if instalment["clock_due_on"] == instalment["due_on"]:
        return str(instalment["due_on"])
    return f"{instalment['due_on']} (counted from {instalment['clock_due_on']})"


def _payments(explanation: Explanation) -> None:
    _grid(
        f"Payments by {explanation.as_of}",
        ["payment", "kind", "value on", "amount", "went to instalment", "", "source"],
        [
            [
                row["payment_id"], row["kind"], row["value_on"], row["amount"],
                _went_to(row), _reversal(row).strip(", "), _source(row),
            ]
            for row in explanation.payments
        ],
    )  # fmt: skip


def _went_to(payment: Row) -> str:
    if payment["is_of_payoff"]:
        return f"the whole loan: {_parts(payment)}"
    return ", ".join(f"{effect['instalment_no']}: {_parts(effect)}" for effect in payment["effects"])


def _reversal(payment: Row) -> str:
    said = f", reverses {payment['reverses_payment_id']}" if payment["reverses_payment_id"] else ""
    return said + (f", reversed by {payment['reversed_by']}" if payment["reversed_by"] else "")


def _held_out(payments: Iterable[Row]) -> None:
    _grid(
        "Payments held out",
        ["payment", "kind", "value on", "amount", "why", "source"],
        [[*_picked(row, "payment_id", "kind", "value_on", "amount", "why"), _source(row)] for row in payments],
    )


def _schedule_versions(versions: tuple[Row, ...]) -> None:
    _grid(
        "Schedule versions",
        ["version", "in force from", "until", "instalments", "first due on", "last due on", "source"],
        [
            [
                row["schedule_version"],
                row["in_force_from"] or "the start" if row["is_ever_in_force"] else "never",
                row["in_force_until"] if row["is_ever_in_force"] else None,
                *_picked(row, "instalments", "first_due_on", "last_due_on"), _source(row),
            ]
            for row in versions
        ],
    )  # fmt: skip


def _events(events: Iterable[Row]) -> None:
    _grid(
        "Events",
        ["on", "kind", "amount", "source"],
        [[*_picked(row, "event_on", "kind", "amount"), _source(row)] for row in events],
    )


def _position(position: Row | None) -> None:
    figures = ("as_of", "outstanding_principal", "overdue_principal", "dpd", "status")
    _grid(
        "What the lender itself said last",
        ["on", "outstanding principal", "overdue principal", "days past due", "status", "source"],
        [[*_picked(position, *figures), _source(position)]] if position else [],
    )
    if position:
        say(position["comparison"])


def _conventions(conventions: Iterable[Row]) -> None:
    _grid(
        "Conventions in force",
        ["convention", "value", "set by", "since"],
        [_picked(row, "convention", "value", "set_by", "effective_from") for row in conventions],
    )


def _picked(row: Row, *names: str) -> list[object]:
    return [row[name] for name in names]


def _parts(row: Row, suffix: str = "") -> str:
    """The components that are not nil: `principal 90.00, interest 10.00`."""
    return ", ".join(f"{name} {row[name + suffix]}" for name in COMPONENTS if row[name + suffix]) or "nothing"


def _source(row: Row) -> str:
    source = row["source"]
    # a line of a workbook is one of a sheet
    sheet = f" {source['resource']}" if source["file"].endswith(".xlsx") else ""
    place = f"{source['file']}{sheet}:{source['line']}"
    return f"{place} (v{source['version']}, replaced since)" if source["is_replaced"] else place


def _grid(title: str, columns: list[str], rows: list[list[object]], *, header: bool = True) -> None:
    """A table under its title; nothing where it has no rows."""
    if not rows:
        return
    say(f"\n{title}" if title else "")
    grid = Table(box=box.SIMPLE_HEAD if out.is_terminal and header else None, show_header=header, pad_edge=False)
    for number, name in enumerate(columns):
        figures = all(row[number] is None or isinstance(row[number], int | Decimal) for row in rows)
        grid.add_column(
            name, justify="right" if figures else "left", overflow="fold", no_wrap=name in ("source", "due on")
        )
    for row in rows:
        grid.add_row(*(escape(_text(value)) for value in row))
    if out.is_terminal:
        out.print(grid)
    else:
        _plain(grid)


def _plain(grid: Table) -> None:
    """A table for files and other programs: one line a row, however long."""
    page = io.StringIO()
    Console(file=page, width=WIDTH_OF_FILES, highlight=False).print(grid)
    for line in page.getvalue().splitlines():
        say(line.rstrip())


def _text(value: object) -> str:
    if value is None:
        return "–"
    return value.isoformat() if isinstance(value, dt.date) else str(value)
