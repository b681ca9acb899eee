"""Which faults to inject where: reading orders, and carrying them out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from arrears.simulate.faults.form import FileFormat
from arrears.simulate.faults.spoiler import FAULTS, Injection, Spoiler
from arrears.simulate.writers import Landing


@dataclass(frozen=True)
class Order:
    """A fault to be injected: into which lender's deliveries (None: every one's it applies to), on which day."""

    fault: str
    lender: str | None
    day: date


_ORDER = re.compile(r"^(?:(?P<lender>[a-z0-9_]+):)?(?P<fault>[a-z0-9_]+)(?:@(?P<day>\d{4}-\d{2}-\d{2}))?$")


def read_orders(texts: Sequence[str], *, lenders: Sequence[str], first: date, last: date) -> list[Order]:
    """Read `[lender:]fault[@YYYY-MM-DD]`; without a day, the last one.

    Raises ValueError for a fault, lender or day that there is not, saying which there are.
    """
    orders = []
    for text in texts:
        match = _ORDER.match(text)
        if not match or match["fault"] not in FAULTS:
            raise ValueError(f"no fault {text!r}; write [lender:]fault[@YYYY-MM-DD] with one of: {', '.join(FAULTS)}")
        if match["lender"] and match["lender"] not in lenders:
            raise ValueError(f"fault {text!r}: lender is not among those simulated ({', '.join(lenders)})")
        try:
            day = date.fromisoformat(match["day"]) if match["day"] else last
        except ValueError as error:
            raise ValueError(f"fault {text!r}: {error}") from None
        if not first <= day <= last:
            raise ValueError(f"fault {text!r}: no delivery on that day, only from {first} to {last}")
        orders.append(Order(match["fault"], match["lender"], day))
    return orders


def check_orders(orders: Sequence[Order], forms: Mapping[str, FileFormat]) -> None:
    """Raise ValueError where a fault does not apply to the lender that is named, or to none of them."""
    for order in orders:
        reasons = {
            lender: FAULTS[order.fault].why_not(form)
            for lender, form in forms.items()
            if order.lender in (None, lender)
        }
        if all(reasons.values()):
            why = "; ".join(f"{lender}: {reason}" for lender, reason in reasons.items())
            raise ValueError(f"fault {order.fault!r} does not apply ({why})")


def inject(
    orders: Sequence[Order],
    *,
    landings: Mapping[str, tuple[Landing, FileFormat]],
    seed: int,
    withheld: Path | None = None,
) -> list[Injection]:
    """Inject faults into deliveries that were written, in the order given.

    withheld: local folder for files that are held back, `<withheld>/<lender>/<folder of the delivery>/<file>`.

    Raises ValueError where a fault does not apply to a lender that its order names (or to none), or where a delivery
    has not what it takes: a payment to copy, a delivery before it.
    """
    check_orders(orders, {lender: form for lender, (_, form) in landings.items()})
    done: list[Injection] = []
    for order in orders:
        fault = FAULTS[order.fault]
        for lender, (landing, form) in landings.items():
            if order.lender in (None, lender) and fault.applies(form):
                done += fault.spoil(
                    Spoiler(
                        fault=fault.name,
                        lender=lender,
                        day=order.day,
                        landing=landing,
                        form=form,
                        seed=seed,
                        withheld=withheld,
                    )
                )
    return done
