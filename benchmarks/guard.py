"""A benchmark of a minute, against the ratios that are committed: how fast the machine is matters little to them.

make bench-guard                          # a table: what is as committed, what is not
make bench-guard ARGUMENTS=--refresh      # these are the ratios from now on: look at the difference and commit it

A ratio that is worse is reported, and no more: it may be noise, and whoever reads it decides. The command fails where
the benchmark itself does. A ratio is of the fastest of several times: whatever else the machine does only ever adds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ruamel.yaml import YAML

from arrears.gate import gate_delivery
from arrears.settings import Role

from .candidate import change, forget, published, rebuilt
from .load import agree, bare_copy, deliver, load_once
from .machine import described
from .place import LAST, Place, place
from .table import Figure

COMMITTED = Path(__file__).with_name("expected.yaml")
HEAD = """\
# What `make bench-guard` holds its ratios against, and by what share of it each may differ before it is reported.
# `make bench-guard ARGUMENTS=--refresh` writes the ratios anew and keeps the spreads.
"""
SPREAD = 0.5  # where nothing else is committed: machines differ by that much, and runs beside others on one machine
TIMES, ROWS, SHAPE, FORM = 5, 100_000, "full", "csv"
PUBLISHED, JUDGED = 50_000, 3
MART = "fct_guarded"
MARTS = {MART: "outstanding_principal = outstanding_principal + 0.01"}
CANDIDATE = """
set role arrears_builder;
create table candidate.dim_lender (lender text primary key, data_as_of date, is_stale boolean);
insert into candidate.dim_lender values ('benchmark', '2024-03-31', false);
create table candidate.fct_guarded (
    lender text, loan_id text, month_end date, product text, bucket text, dpd integer, max_dpd_to_date integer,
    outstanding_principal numeric(18, 2), overdue_principal numeric(18, 2), overdue_amount numeric(18, 2),
    primary key (lender, loan_id, month_end)
);
insert into candidate.fct_guarded
select
    'benchmark', 'L' || number / 10, cast('2020-01-31' as date) + number % 10 * 31, 'cash', 'M0', 0, number % 90,
    number, 0, 0
from generate_series(1, 50000) as numbers (number);
reset role;
create table public.bare (like candidate.fct_guarded including indexes);
"""
BARE_INSERT = "insert into public.bare select * from candidate.fct_guarded"
OFFERED = """
with build as (
    insert into ops.build (business_date, status, code_version) values (%s, 'failed', 'benchmark') returning build_id
)
insert into ops.build_mart (build_id, mart, key_columns, period_column)
select build_id, mart, string_to_array(keys, ','), period from build cross join (values
    ('dim_lender', 'lender', null), (%s, 'lender,loan_id,month_end', 'month_end')
) as marts (mart, keys, period)
"""


@dataclass(frozen=True)
class Expected:
    """A committed ratio, and the share of it by which another may differ."""

    ratio: float
    spread: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make bench-guard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--refresh", action="store_true", help="commit to the ratios of this run")
    options = parser.parse_args()
    figures = list(measured())
    print("\n".join([*(f"- {line}" for line in described()), "", compared_with(committed(), figures)]))
    if options.refresh:
        commit(refreshed(committed(), figures))


def measured() -> Iterator[Figure]:
    """Every figure with a ratio is guarded."""
    with place() as there:
        copied, ours = _load(there)
        yield ours
        yield _gate(there, copied)
        yield from _publication(there)


def _load(there: Place) -> tuple[Figure, Figure]:
    """A bare COPY, and ours; all in this process, for starting one takes longer."""
    url, path = there.settings.url(Role.LOADER), deliver(there.home, SHAPE, FORM, ROWS)
    bare, ours = [], []
    for version in range(TIMES + 1):  # the first imports what the others have
        agree(there.home, SHAPE, FORM, version)
        bare.append(bare_copy(url, path, SHAPE))
        ours.append(load_once(there.home, ROWS))
    part = f"load {ROWS:,} payments"
    copied = Figure(part, "a bare COPY", "s", bare[1:])
    return copied, Figure(part, "arrears", "s", ours[1:], copied)


def _gate(there: Place, copied: Figure) -> Figure:
    """Of deliveries that were loaded; the first imports what the others have."""
    seconds = []
    loaded = there.rows("select delivery_id from ops.delivery where status = 'loaded' order by version")
    for (delivery_id,) in loaded[: JUDGED + 1]:
        began = time.perf_counter()
        gate_delivery(delivery_id, url=there.settings.url(Role.LOADER), settings=there.settings)
        seconds.append(time.perf_counter() - began)
    return Figure(f"gate of {ROWS:,} payments", "arrears", "s", seconds[1:], copied)


def _publication(there: Place) -> Iterator[Figure]:
    there.own(CANDIDATE)
    there.own(OFFERED, [LAST, MART])
    rebuilt(there)
    published(there)
    bare: list[float] = []
    shares: dict[int, list[float]] = {0: [], 10: [], 100: []}
    for _ in range(TIMES):
        for share, seconds in shares.items():
            change(there, MARTS, share)
            seconds.append(published(there)[0])
            forget(there, MART)
        began = time.perf_counter()
        there.own(BARE_INSERT)
        bare.append(time.perf_counter() - began)
        there.own("truncate public.bare")
    part = f"publication of {PUBLISHED:,} rows"
    whole = Figure(part, "all changed", "s", shares[100], Figure(part, "a bare insert", "s", bare))
    yield whole
    yield Figure(part, "10 % changed", "s", shares[10], whole)
    yield Figure(part, "nothing changed", "s", shares[0], whole)


# ── against what is committed ────────────────────────────────────────────────────────────────────────────


def name(figure: Figure) -> str:
    assert figure.against is not None
    return f"{figure.part}: {figure.what} / {figure.against.what}"


def ratio_of(figure: Figure) -> float:
    assert figure.against is not None
    return min(figure.measured) / min(figure.against.measured)


def judged(expected: Expected | None, ratio: float) -> str:
    """What to say of a ratio. Worse is more: ours stands above the line."""
    if expected is None:
        return "NEW: not committed"
    if ratio > expected.ratio * (1 + expected.spread):
        return f"WORSE: {ratio / expected.ratio:.1f} times what is committed"
    if ratio < expected.ratio / (1 + expected.spread):
        return "better: refresh, or it can be lost again unseen"
    return "as committed"


def compared_with(expected: Mapping[str, Expected], figures: Iterable[Figure]) -> str:
    """The table, with what is committed and was not measured."""
    lines = ["| ratio | here | committed | |", "|---|---:|---:|---|"]
    ratios = {name(figure): ratio_of(figure) for figure in figures}
    for what, ratio in ratios.items():
        known = expected.get(what)
        shown = f"{known.ratio:.2f} ± {known.spread:.0%}" if known else ""
        lines.append(f"| {what} | {ratio:.2f} | {shown} | {judged(known, ratio)} |")
    lines += [
        f"| {what} | | {expected[what].ratio:.2f} | GONE: not measured |" for what in expected if what not in ratios
    ]
    return "\n".join(lines)


def committed() -> dict[str, Expected]:
    known = YAML(typ="safe").load(COMMITTED.read_text(encoding="utf-8")) if COMMITTED.exists() else {}
    return {what: Expected(**values) for what, values in known.items()}


def refreshed(expected: Mapping[str, Expected], figures: Iterable[Figure]) -> dict[str, Expected]:
    """What was measured is what is expected; how far it may be off stays as it was."""
    return {
        name(figure): Expected(round(ratio_of(figure), 2), expected.get(name(figure), Expected(0, SPREAD)).spread)
        for figure in figures
    }


def commit(expected: Mapping[str, Expected]) -> None:
    with COMMITTED.open("w", encoding="utf-8") as sink:
        sink.write(HEAD)
        YAML().dump({what: asdict(known) for what, known in expected.items()}, sink)


if __name__ == "__main__":
    main()
