"""An explanation: what the models said of one loan on one day, put together so that every figure leads to its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from arrears.explain.known import Knowledge
from arrears.explain.published import Comparison
from arrears.explain.reason import reason_for
from arrears.explain.reconciliation import comparison

Row = dict[str, Any]

FROM_RAW = ("file_id", "line_no")


@dataclass(frozen=True)
class File:
    """A delivered file.

    resource: what of the contract it is; for a workbook that says which sheet. version: of its day's delivery.
    is_replaced: a newer version stands in its place now.
    """

    path: str
    resource: str
    version: int
    is_replaced: bool


@dataclass(frozen=True)
class Explanation:
    """Why a loan stood as it did at the close of a day. Money is Decimal, in the loan's currency; dates are dates.

    Attributes:
        reason: why, in one sentence.
        loan: its terms and milestones. state: what stood at the close, with days past due, bucket and amounts.
        oldest_unpaid: the instalment that days past due are counted from, contractual_oldest_unpaid the one of the
            original schedule; None where nothing is overdue.
        instalments: all of the schedule in force, oldest first, each with the payments that settled or re-opened it.
        payments: all by then, in the order in which they count, each with what it was for and the instalments it went
            to; one that paid the loan off went to the whole of it.
        held_out: payments that have no effect, and why.
        position: what the lender itself said last, whether it breaks with ours, of what type, since when, and why.
        conventions: all in force, with who set them and since when.
        reservations: where today's code, contract or deliveries may make a difference to what was known then.
        published: what the publication says of that day, beside what was found; empty where it says nothing.

    Whatever a lender sent has a `source`: `file` (below the landing folder), `resource` of the contract, `line`,
    `version` of the day's delivery, and `is_replaced`: a newer version came since, so the file may read otherwise now.
    """

    lender: str
    loan_id: str
    as_of: dt.date
    as_known: Knowledge
    reservations: tuple[str, ...]
    reason: str
    loan: Row
    state: Row
    oldest_unpaid: Row | None
    contractual_oldest_unpaid: Row | None
    instalments: tuple[Row, ...]
    payments: tuple[Row, ...]
    held_out: tuple[Row, ...]
    schedule_versions: tuple[Row, ...]
    events: tuple[Row, ...]
    position: Row | None
    conventions: tuple[Row, ...]
    published: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        answer = asdict(self)
        answer["published"] = [comparison.to_dict() for comparison in self.published]
        return answer


def file_ids(answers: Mapping[str, Iterable[Row]]) -> set[int]:
    """The files that any of the answers comes from."""
    return {row["file_id"] for rows in answers.values() for row in rows if row.get("file_id") is not None}


def put_together(
    lender: str,
    loan_id: str,
    as_of: dt.date,
    knowledge: Knowledge,
    reservations: Iterable[str],
    answers: Mapping[str, list[Row]],
    files: Mapping[int, File],
    published: Iterable[Comparison],
) -> Explanation:
    """An explanation from the answers of the analyses. `files`: those they come from, by file_id."""
    sourced = {subject: [_sourced(row, files) for row in rows] for subject, rows in answers.items()}
    loan, state = sourced["loan"][0], sourced["state"][0]
    payments = _with_effects(sourced["payment"], sourced["settlement"])
    instalments = _with_payments(sourced["instalment"], sourced["settlement"], payments)
    in_force = tuple(row for row in instalments if row["is_in_force"])
    in_book = not state["is_terminal"]
    oldest = next((row for row in in_force if in_book and row["is_oldest_unpaid"]), None)
    contractual = next((row for row in instalments if in_book and row["is_contractual_oldest_unpaid"]), None)
    return Explanation(
        lender=lender,
        loan_id=loan_id,
        as_of=as_of,
        as_known=knowledge,
        reservations=tuple(reservations),
        reason=reason_for(as_of, loan, state, in_force, oldest),
        loan=loan,
        state=state,
        oldest_unpaid=oldest,
        contractual_oldest_unpaid=contractual,
        instalments=in_force,
        payments=tuple(payments),
        held_out=tuple(_held_out(sourced["conflict"], payments)),
        schedule_versions=tuple(sourced["schedule_version"]),
        events=tuple(sourced["event"]),
        position=next((row | {"comparison": comparison(row)} for row in sourced["position"]), None),
        conventions=tuple(sourced["convention"]),
        published=tuple(published),
    )


def _sourced(row: Row, files: Mapping[int, File]) -> Row:
    """A row with the place it comes from, where a lender sent it."""
    if "file_id" not in row:
        return row
    kept = {name: value for name, value in row.items() if name not in FROM_RAW}
    file = files[row["file_id"]]
    source = {"file": file.path, "resource": file.resource, "line": row["line_no"]}
    return kept | {"source": source | {"version": file.version, "is_replaced": file.is_replaced}}


def _with_effects(payments: list[Row], settlements: list[Row]) -> list[Row]:
    """Payments with what each of them did to which instalment, where it did not go to the whole loan."""

    def of(payment: Row) -> list[Row]:
        if payment["is_of_payoff"]:
            return []
        return [_without(row, "payment_id") for row in settlements if row["payment_id"] == payment["payment_id"]]

    return [payment | {"effects": of(payment)} for payment in payments]


def _with_payments(instalments: list[Row], settlements: list[Row], payments: list[Row]) -> list[Row]:
    """Instalments with the payments that settled or re-opened something of them."""
    by_id = {payment["payment_id"]: _without(payment, "effects") for payment in payments}

    def on(instalment: Row) -> list[Row]:
        place = (instalment["schedule_version"], instalment["instalment_no"])
        return [
            by_id[row["payment_id"]] | {"effect": _without(row, "payment_id", "schedule_version", "instalment_no")}
            for row in settlements
            if (row["schedule_version"], row["instalment_no"]) == place
        ]

    return [instalment | {"payments": on(instalment)} for instalment in instalments]


def _held_out(conflicts: list[Row], payments: list[Row]) -> list[Row]:
    """Payments without effect, with the reason in words."""
    waiting = [
        _without(payment, "effects")
        | {"why": f"it reverses {payment['reverses_payment_id']}, which is not a payment of this loan"}
        for payment in payments
        if payment["waits_for_original"]
    ]
    return [_without(row, "other_loan_id") | {"why": _conflict(row)} for row in conflicts] + waiting


def _conflict(row: Row) -> str:
    whose = "this loan" if row["other_loan_id"] is None else f"loan {row['other_loan_id']}"
    return f"number {row['payment_id']} stands for another payment, of {whose}"


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
