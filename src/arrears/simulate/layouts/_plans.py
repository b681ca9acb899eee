"""What layouts tell about repayment plans day by day: new plans, and instalments whose amounts moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from arrears.simulate.book import Book, Ints
from arrears.simulate.ledger import Ledger
from arrears.simulate.records import Day


@dataclass(frozen=True)
class PlanRows:
    """Instalments as they stand on a day, one row each. Amounts in the smallest unit of the currency."""

    row: Ints
    """Row of the book's plans."""
    loan: Ints
    number: Ints
    version: Ints
    effective: Ints
    due: Ints
    principal: Ints
    interest: Ints
    fee: Ints
    penalty: Ints

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Ints) -> PlanRows:
        """Some of the rows."""
        return PlanRows(*(getattr(self, f.name)[rows] for f in fields(self)))


def newest(parts: Sequence[PlanRows]) -> PlanRows:
    """Parts in the order of time as one, each instalment of a version only as it was last. There must be a part."""
    joined = PlanRows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(PlanRows)))
    key = joined.row * (int(joined.version.max(initial=0)) + 1) + joined.version
    _, from_the_end = np.unique(key[::-1], return_index=True)
    return joined.take(np.sort(len(key) - 1 - from_the_end))


class PlanChanges:
    """Finds, for every day of a lender's book, the instalments that a delivery has to tell about."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self._book, self._ledger = book, ledger
        self._effective = book.disbursed.astype(np.int64)
        self._told = np.full((3, len(book.due)), -1, dtype=np.int64)  # principal, interest, penalty

    def of(self, day: Day) -> tuple[PlanRows, PlanRows]:
        """Instalments of plans that are new on the day just run, and instalments of which an amount moved."""
        self._effective[day.replanned] = day.day
        whole = np.union1d(np.arange(*day.loans), day.replanned)
        new = self._rows_of(whole)
        moved = self._rows_of(np.setdiff1d(day.moved, whole))
        moved = moved[(self._amounts(moved) != self._told[:, moved]).any(axis=0)]
        for rows in (new, moved):
            self._told[:, rows] = self._amounts(rows)
        return self._as_they_stand(new), self._as_they_stand(moved)

    def _rows_of(self, loans: Ints) -> Ints:
        book = self._book
        loans = loans[~book.planless[loans]]
        term = book.term[loans]
        nth = np.arange(int(term.sum())) - np.repeat(np.cumsum(term) - term, term)
        return np.asarray(np.repeat(book.offset[loans], term) + nth, dtype=np.int64)

    def _amounts(self, rows: Ints) -> Ints:
        ledger = self._ledger
        return np.stack([ledger.principal_due[rows], ledger.interest_due[rows], ledger.penalty_due[rows]])

    def _as_they_stand(self, rows: Ints) -> PlanRows:
        book, ledger = self._book, self._ledger
        loan = book.loan_of[rows].astype(np.int64)
        principal, interest, penalty = self._amounts(rows)
        return PlanRows(
            row=rows,
            loan=loan,
            number=rows - book.offset[loan] + 1,
            version=ledger.version[loan],
            effective=self._effective[loan],
            due=ledger.due[rows].astype(np.int64),
            principal=principal,
            interest=interest,
            fee=book.fee_due[rows],
            penalty=penalty,
        )
