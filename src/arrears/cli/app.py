"""The commands. Each is a few lines: parse, call the package, show what it said."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import arrears
from arrears import pipeline
from arrears.cli import output
from arrears.contract import lenders as all_lenders
from arrears.errors import ArrearsError, Infrastructure, Refused, Usage
from arrears.settings import Role, settings
from arrears.warehouse.address import Address

app = typer.Typer(
    name="arrears",
    help="Consumer-lending delinquency: lenders' extracts in, published marts out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DateOption = Annotated[dt.datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Business date.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def main() -> None:
    """Entry point: turns every expected failure into one message and its exit code."""
    try:
        app()
    except ArrearsError as failure:
        output.error(str(failure))
        sys.exit(failure.exit_code)
    except OSError as failure:
        output.error(f"A file or the network failed: {failure}. Mend that, and run the command again.")
        sys.exit(Infrastructure.exit_code)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        output.say(f"arrears {arrears.__version__}")
        raise typer.Exit


# ── the warehouse ────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def up() -> None:
    """Start the embedded PostgreSQL (unless ARREARS_WAREHOUSE_URL names another) and bring its schema up to date."""
    from arrears.warehouse.provision import provision

    with output.working("starting the warehouse"):
        if not _external():
            _server().up()
            settings.cache_clear()
        provision(settings())
    output.say(f"The warehouse is at {_address(Role.READER)}")


@app.command()
def down() -> None:
    """Stop the embedded PostgreSQL. Its data stays."""
    if _external():
        raise Usage("ARREARS_WAREHOUSE_URL names a server that arrears did not start: stop it where it runs.")
    output.say("stopped" if _server().down() else "it was not running")


@app.command()
def url(
    role: Annotated[Role, typer.Option(help="Whose connection.")] = Role.READER,
    airflow: Annotated[bool, typer.Option("--airflow", help="Airflow's metadata database instead.")] = False,
) -> None:
    """Print the URL to connect with, password included."""
    output.say(settings().airflow_url() if airflow else settings().url(role))


def _external() -> bool:
    """Whether the warehouse is somebody else's server: named in the environment, not by our own generated file."""
    import os

    return bool(os.environ.get("ARREARS_WAREHOUSE_URL"))


def _server() -> Any:
    from arrears.warehouse.embedded import EmbeddedServer

    return EmbeddedServer(settings().home)


def _address(role: Role) -> str:
    return str(Address.parse(settings().url(role)))


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def simulate(
    start: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First business date.")],
    end: Annotated[dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business date.")],
    loans: Annotated[
        int, typer.Option(min=1, help="Lent by each lender in the 18 months before; it goes on so.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    lender: Annotated[list[str] | None, typer.Option(help="Only these lenders.")] = None,
    faults: Annotated[list[str] | None, typer.Option(help="Faults to inject: [lender:]name[@date].")] = None,
    write_from: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Write deliveries from this day on only.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Where the truth goes; default: truth in the checkout.")] = None,
    every: Annotated[
        Literal["day", "month"], typer.Option(help="A delivery every day, or at every month-end and on the last day.")
    ] = "day",
    scenario: Annotated[str | None, typer.Option(help="Lenders made for a purpose: seed-facts, plain.")] = None,
) -> None:
    """Write deliveries of the built-in lenders in their own layouts, and beside them the truth."""
    from arrears.simulate import simulate as run_simulation

    own = settings()
    try:
        with output.working(f"simulating {loans:,} loans"):
            summary = run_simulation(
                start=start.date(),
                end=end.date(),
                loans=loans,
                seed=seed,
                lenders=lender,
                landing=own.landing,
                truth=truth or own.root / "truth",
                faults=faults or (),
                write_from=write_from.date() if write_from else None,
                every=every,
                scenario=scenario,
            )
    except ValueError as error:
        raise Usage(str(error)) from error
    for written in summary.lenders:
        output.say(
            f"{written.lender}: {written.loans:,} loans, {written.deliveries:,} deliveries with "
            f"{written.payments:,} payments, {written.bytes / 1e6:.1f} MB"
        )
    for fault in summary.faults:
        output.say(f"injected {fault}")


@app.command()
def check(lender: str, date: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"])], json: Json = False) -> None:
    """Would this delivery be loaded? Every fault with file, line, column, value and rule; loads nothing.

    What the delivery gate says of rows that are loaded, only loading tells.
    """
    with output.working(f"checking {lender} {date:%Y-%m-%d}"):
        findings = pipeline.check(lender, date.date(), url=settings().url(Role.LOADER))
    if json:
        output.as_json(findings.to_dict())
    else:
        for fault in findings.faults:
            colour = "red" if fault.refuses else "yellow"
            output.out.print(f"[{colour}]{'refuses' if fault.refuses else 'rejects row'}[/] ", end="")
            output.say(str(fault))
        verdict = "would be refused" if findings.refusing else "would be loaded, for the gate to judge"
        output.say(f"{lender} {date:%Y-%m-%d}: {findings.rows:,} rows, {findings.rejected:,} rejected: {verdict}")
    if findings.refusing:
        raise typer.Exit(Refused.exit_code)


@app.command()
def onboard(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="The files of one delivery, as samples.")],
    lender: Annotated[str | None, typer.Option(help="Its name; default: the folder's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write DIR/LENDER/datapackage.yaml.", metavar="DIR")] = None,
    json: Json = False,
) -> None:
    """Draft a contract from sample files, to be finished by hand; what is guessed and what is open is marked."""
    from arrears.onboard import onboard as draft_contract

    with output.working(f"reading {len(files)} files"):
        draft = draft_contract(files, lender)
    written = draft.write(out) if out is not None else None
    if json:
        output.as_json(draft.to_dict() | {"path": written})
        return
    if written is None:
        output.verbatim(draft.text)
    for table in draft.tables:
        output.tell(f"{table['file']}: {table['entity'] or 'nothing that we know'} ({table['rows']:,} rows read)")
    output.tell(f"{written or 'the draft'}: {len(draft.open_places)} places to decide")
    for place in draft.open_places:
        output.tell(f"  line {place}")


@app.command()
def load(lender: str, date: DateOption, json: Json = False) -> None:
    """Load a delivery and judge it at the delivery gate."""
    result = _load(lender, date.date())
    if json:
        output.as_json(result.to_dict())
    else:
        output.say(
            f"{lender} {date:%Y-%m-%d}: {result.outcome}, {result.rows:,} rows, {result.rejected:,} rejected "
            f"(delivery {result.delivery_id})"
        )


def _load(lender: str, business_date: dt.date) -> Any:
    with output.working(f"loading {lender} {business_date}"):
        result = pipeline.load(lender, business_date, url=settings().url(Role.LOADER))
        pipeline.gate_delivery(result.delivery_id, url=settings().url(Role.LOADER))
    return result


# ── candidate and publication ────────────────────────────────────────────────────────────────────────────


@app.command()
def build(date: DateOption, json: Json = False) -> None:
    """Build the candidate marts with dbt."""
    with output.working(f"building the candidate for {date:%Y-%m-%d}"):
        result = pipeline.build(date.date(), url=settings().url(Role.BUILDER))
    if json:
        output.as_json(result.to_dict())
    else:
        output.say(
            f"build {result.build_id}: {result.models} models built, {result.tests} tests passed in {result.seconds} s"
            + (f" on {result.engine}" if result.engine != "postgres" else "")
        )


BuildOption = Annotated[int | None, typer.Option("--build", help="Build to take; default: the newest.")]


@app.command()
def gate(build: BuildOption = None, json: Json = False) -> None:
    """Judge the candidate."""
    with output.working("judging the candidate"):
        result = pipeline.gate_candidate(build or _newest_build(), url=settings().url(Role.PUBLISHER))
    if json:
        output.as_json(result.to_dict())
    else:
        output.say(f"{result.outcome}: {result.evaluated} expectations, {len(result.failed)} failed")
        for verdict in result.failed:
            output.say(f"  {verdict.severity}: {verdict.suite}: {verdict.expectation}: {verdict.observed}")
        if result.held:
            output.say(f"held back: {', '.join(result.held)}; what was published of them stands, the others go on")


@app.command()
def unexpected(
    table: Annotated[str, typer.Argument(help="The mart, or the entity of a delivery, as the gate named it.")],
    expectation: Annotated[str, typer.Argument(help="The expectation, as the gate named it.")],
    delivery: Annotated[int | None, typer.Option(help="A delivery, by its number; default: the candidate.")] = None,
    json: Json = False,
) -> None:
    """Every row that breaks an expectation, as CSV."""
    from arrears import gate as gates

    rows = gates.unexpected(
        table, expectation, url=settings().url(Role.PUBLISHER if delivery is None else Role.LOADER),
        settings=settings(), delivery_id=delivery,
    )  # fmt: skip
    if json:
        output.as_json(list(rows))
    else:
        output.tell(f"{output.as_csv(rows):,} rows")


By = Annotated[str, typer.Option("--by", help="Who.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


@app.command()
def approve(by: By, reason: Reason, build: BuildOption = None, json: Json = False) -> None:
    """Let the candidate through in spite of warnings; who and why is on record. Then publish."""
    given = pipeline.approve(
        build or _newest_build(),
        url=settings().url(Role.PUBLISHER),
        by=_said("--by", by),
        reason=_said("--reason", reason),
    )
    if json:
        output.as_json(vars(given))
    else:
        output.say(f"build {given.build_id} is approved by {given.approved_by}: {given.reason or 'no reason given'}")


def _said(option: str, text: str) -> str:
    if not text.strip():
        raise Usage(f"{option} is empty: who and why go on record.")
    return text.strip()


def _who(approved_by: str | None) -> str | None:
    return None if approved_by is None else _said("--approved-by", approved_by)


@app.command()
def publish(
    build: BuildOption = None,
    approved_by: Annotated[str | None, typer.Option(help="Who approves, where only warnings stand in the way.")] = None,
    json: Json = False,
) -> None:
    """Publish the candidate that passed the gate."""
    number, name = build or _newest_build(), _who(approved_by)
    with output.working("publishing"):
        result = pipeline.publish(number, url=settings().url(Role.PUBLISHER), approved_by=name)
    _show_with_report(result, json)


def _show_with_report(result: Any, json: bool) -> None:
    """What was published, and the report that comes with every publication."""
    if not json:
        _show_publication(result)
    written = _write_report(result.publication_id)
    if json:
        output.as_json(result.to_dict() | {"report": written.to_dict()})
    else:
        _show_report(written)


def _newest_build() -> int:
    newest = _status()["build"]
    if newest is None:
        raise Usage("Nothing has been built yet: run `arrears build --date D`.")
    return int(newest["build_id"])


def _show_publication(result: Any) -> None:
    if result.outcome == "unchanged":
        output.say(f"publication {result.publication_id} stands: there is nothing new for {result.business_date}")
        return
    output.say(
        f"publication {result.publication_id} for {result.business_date}: {result.rows_added:,} rows added, "
        f"{result.rows_closed:,} closed"
    )
    if result.restatements:
        output.table(
            "Restated history",
            ["mart", "lender", "period", "added", "changed", "removed"],
            [[c.mart, c.lender, c.period, c.added, c.changed, c.removed] for c in result.restatements],
        )


@app.command()
def report(
    publication: Annotated[int | None, typer.Option(help="Its number; default: the current one.")] = None,
    lender: Annotated[str | None, typer.Option(help="Only this lender.")] = None,
    lang: Annotated[Literal["en", "zh"] | None, typer.Option(help="Language it opens and is printed in.")] = None,
    out: Annotated[str | None, typer.Option(help="Another place than ARREARS_REPORTS.", metavar="FOLDER")] = None,
    json: Json = False,
) -> None:
    """Write the report of a publication: page, PDF, workbook, every number as JSON. The same again, byte for byte."""
    written = _write_report(publication, lender=lender, language=lang, reports=out)
    if json:
        output.as_json(written.to_dict())
    else:
        _show_report(written)


def _write_report(publication_id: int | None, **choices: Any) -> Any:
    with output.working("writing the report"):
        return pipeline.report(
            publication_id, url=settings().url(Role.PUBLISHER), reader_url=settings().url(Role.READER), **choices
        )


def _show_report(written: Any) -> None:
    """The headline, and where the rest is."""
    from arrears.report.headline import COLUMNS, rows

    output.table(f"Publication {written.publication_id}", list(COLUMNS), rows(written.headline))
    for note in written.notes:
        output.tell(note)
    output.say(f"report: {written.page}")


@app.command()
def publications(json: Json = False) -> None:
    """Every publication there has been, newest last."""
    from arrears.status import publications as read_publications

    rows = read_publications(settings().url(Role.PUBLISHER))
    if json:
        output.as_json(rows)
        return
    columns = {
        "publication_id": "no.", "business_date": "for", "published_at": "made", "gate_status": "gate",
        "rows_added": "added", "rows_closed": "closed", "restated": "restated",
    }  # fmt: skip
    output.table("Publications", list(columns.values()), [[row[name] for name in columns] for row in rows])
    for row in rows:  # what most have nothing of has no column: the table is to fit a terminal
        remarks = [
            f"shows publication {row['restores']} again" if row["restores"] else None,
            f"built on {row['engine']}" if row["engine"] != "postgres" else None,
            None if row["is_kept"] else "can no longer be shown",
            f"by {row['approved_by']}: {row['reason'] or 'no reason given'}" if row["approved_by"] else None,
            f"stale: {row['stale_lenders']}" if row["stale_lenders"] else None,
        ]
        if any(remarks):
            output.say(f"{row['publication_id']}: " + "; ".join(filter(None, remarks)))


@app.command()
def diff(
    before: Annotated[int, typer.Argument(metavar="P", help="A publication.")],
    after: Annotated[int, typer.Argument(metavar="Q", help="Another.")],
    mart: Annotated[str | None, typer.Option(help="Only this mart, with its rows, before and after.")] = None,
    lender: Annotated[str | None, typer.Option(help="Only this lender.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to show; 0 for all.")] = 20,
    json: Json = False,
) -> None:
    """What changed between two publications."""
    from arrears.publish import compare

    with output.working(f"comparing publications {before} and {after}"):
        found = compare(
            before, after, url=settings().url(Role.PUBLISHER), mart=mart, lender=lender, limit=limit or None
        )
    if json:
        output.as_json(found.to_dict())
        return
    if not found.months:
        output.say(f"publications {before} and {after} show the same")
        return
    output.table(
        f"Rows that publication {after} has otherwise than {before}",
        ["mart", "lender", "period", "added", "changed", "removed"],
        [[m.mart, m.lender, m.period, m.added, m.changed, m.removed] for m in found.months],
    )
    for row in found.rows:
        output.say(f"{row.kind} " + ", ".join(f"{name}={value}" for name, value in row.key.items()))
        for name, (was, now) in row.values.items():
            output.say(f"    {name}: {'–' if was is None else was} → {'–' if now is None else now}")
    different = sum(m.added + m.changed + m.removed for m in found.months)
    if mart is None:
        output.say(f"before and after of every row: arrears diff {before} {after} --mart MART")
    elif different > len(found.rows):
        output.say(f"{len(found.rows):,} of {different:,} rows shown; all of them: --limit 0")


@app.command()
def rollback(
    publication: Annotated[int, typer.Argument(metavar="P", help="The publication to go back to.")],
    by: By,
    reason: Reason,
    json: Json = False,
) -> None:
    """Show again what an earlier publication showed, as a new one. The record stays."""
    with output.working(f"going back to publication {publication}"):
        result = pipeline.rollback(
            publication, url=settings().url(Role.PUBLISHER), by=_said("--by", by), reason=_said("--reason", reason)
        )
    _show_with_report(result, json)


@app.command()
def dashboards(
    refresh: Annotated[bool, typer.Option("--refresh", help="Only have it forget the figures it keeps.")] = False,
) -> None:
    """Load the dashboards into the Superset at ARREARS_SUPERSET_URL, over what stands there under their names.

    ARREARS_SUPERSET_USER and ARREARS_SUPERSET_PASSWORD are an administrator's; to refresh, arrears_publisher's do.
    """
    from arrears.superset import forget_figures, load_dashboards

    with output.working("speaking to Superset"):
        if not refresh:
            load_dashboards(settings())
        number = forget_figures(settings())
    output.say(f"{number} datasets will be asked anew" if refresh else f"loaded, with {number} datasets")


@app.command()
def lake(json: Json = False) -> None:
    """Write accepted deliveries that ARREARS_LAKE lacks, as Parquet; remove superseded ones.

    Loads do it by themselves for their lender. By hand: once the lake is switched on, or after it was lost.
    """
    with output.working("filling the lake"):
        filled = pipeline.fill_lake(url=settings().url(Role.LOADER))
    if filled is None:
        raise Usage("There is no lake: set ARREARS_LAKE to a folder or an fsspec URL such as s3://bucket/lake.")
    if json:
        output.as_json(filled.to_dict())
    else:
        output.say(f"{filled.written:,} files written, {filled.removed:,} removed")


@app.command()
def maintain(json: Json = False) -> None:
    """The weekly upkeep: let go of old publications and of what was wrong with rejected rows; vacuum.

    Kept are the newest publications (ARREARS_KEEP_PUBLICATIONS, 90) and all that closed a month.
    """
    with output.working("maintaining the warehouse"):
        own = settings()
        done = pipeline.maintain(
            url=own.url(Role.PUBLISHER), loader_url=own.url(Role.LOADER), reader_url=own.url(Role.READER)
        )
    if json:
        output.as_json(done)
    else:
        output.say(", ".join(f"{what}: {count:,}" for what, count in done.items()))


@app.command()
def run(
    date: DateOption,
    lender: Annotated[list[str] | None, typer.Option(help="Only these lenders; default: all that delivered.")] = None,
    approved_by: Annotated[str | None, typer.Option(help="Who approves, where only warnings stand in the way.")] = None,
    json: Json = False,
) -> None:
    """The daily run without a scheduler: load and judge each lender, build, judge, publish.

    A lender that is late, refused or held back by the gate keeps its last good state; the others are published.
    """
    day, by = date.date(), _who(approved_by)
    due = [known.lender for known in all_lenders() if known.is_due(day)]
    outcomes = {name: _try_load(name, day) for name in lender or due}
    if lender is None and all(outcome["outcome"] == "late" for outcome in outcomes.values()):
        raise Refused(f"No lender has delivered anything for {day} under {settings().landing}.")
    with output.working(f"building the candidate for {day}"):
        built = pipeline.build(day, url=settings().url(Role.BUILDER))
    with output.working("judging the candidate"):
        judged = pipeline.gate_candidate(built.build_id, url=settings().url(Role.PUBLISHER))
    with output.working("publishing"):
        result = pipeline.publish(built.build_id, url=settings().url(Role.PUBLISHER), approved_by=by)
    if not json:
        for name, outcome in outcomes.items():
            output.say(f"{name}: {outcome['outcome']}")
        _show_publication(result)
    written = _write_report(result.publication_id)
    if json:
        output.as_json(
            {
                "lenders": outcomes, "held": list(judged.held), "publication": result.to_dict(),
                "report": written.to_dict(),
            }
        )  # fmt: skip
    else:
        _show_report(written)
    if held_back := judged.holding_back():
        raise held_back
    if any(outcome["outcome"] == "refused" for outcome in outcomes.values()):
        raise typer.Exit(Refused.exit_code)


def _try_load(name: str, day: dt.date) -> dict[str, Any]:
    try:
        if not pipeline.delivery_complete(name, day):
            return {"outcome": "late"}
        return dict(_load(name, day).to_dict())
    except Refused as refused:
        output.error(str(refused))
        return {"outcome": "refused", "reasons": refused.reasons}


@app.command()
def explain(
    lender: str,
    loan: str,
    as_of: Annotated[dt.datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day, at its close.")],
    as_known: Annotated[
        int | None, typer.Option("--as-known", help="As known to this publication; default: to the newest build.")
    ] = None,
    json: Json = False,
) -> None:
    """Why a loan had these days past due: the instalments and payments that decided it, with their file and line."""
    from arrears.explain import explain as explain_loan

    with output.working(f"putting {lender} {loan} through the models"):
        explanation = explain_loan(lender, loan, as_of.date(), as_known, settings=settings())
    if json:
        output.as_json(explanation.to_dict())
    else:
        from arrears.cli.explanation import show

        show(explanation)


@app.command()
def metrics(
    name: Annotated[list[str] | None, typer.Argument(metavar="METRIC…", help="None: show which there are.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="month, quarter, lender, product, … (more than once).")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIMENSION=VALUE", help="Only this part.")] = None,
    first: Annotated[
        dt.datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; a month counts by its last."),
    ] = None,
    last: Annotated[
        dt.datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; a month counts by its last."),
    ] = None,
    as_known: Annotated[int | None, typer.Option("--as-known", help="As this publication said.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the query instead of running it.")] = False,
    json: Json = False,
) -> None:
    """Rates as dbt defines them, asked of the published marts: numerator, denominator and filter from one place."""
    from arrears.cli import metrics as shown

    own = settings()
    if not name:
        shown.show_all(own, json=json)
        return
    conditions = [condition.partition("=") for condition in where or []]
    parts = {dimension: value for dimension, _, value in conditions}
    if len(parts) < len(conditions):
        raise Usage("--where has a dimension twice: ask for one value of each, or group by it.")
    question = shown.Question(
        tuple(name), tuple(by or ()), parts,
        first.date() if first else None, last.date() if last else None, as_known,
    )  # fmt: skip
    if sql:
        shown.show_query(question, own)
    else:
        shown.show(question, own, json=json)


@app.command()
def status(
    json: Json = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="Write Prometheus' text format to this file instead; - prints it.")
    ] = None,
) -> None:
    """Per lender: data as of, last delivery, rejected rows, stale or not; last build, gate and publication."""
    from arrears import monitor

    stands = _status()
    if prometheus is not None:
        if prometheus == Path("-"):
            output.verbatim(monitor.exposition(stands))
        else:
            monitor.write_exposition(stands, prometheus)
        return
    if json:
        output.as_json({"problems": monitor.problems(stands), **stands})
        return
    output.table(
        "Lenders",
        ["lender", "data as of", "last delivery", "was", "rejected rows", "stale"],
        [
            [
                row["lender"], row["data_as_of"], row["last_delivery"], row["last_delivery_status"],
                row["rejected_rows"], row["is_stale"],
            ]
            for row in stands["lenders"]
        ],
    )  # fmt: skip
    for row in stands["lenders"]:
        if row["last_delivery_status"] == "refused":
            output.say(f"{row['lender']} {row['last_delivery']} was refused:")
            for reason in row["reasons"][:20]:
                output.say(f"  - {reason}")
    _show_build(stands["build"])
    _show_gate(stands["gate"])
    published = stands["publication"]
    if published is None:
        output.say("Nothing has been published yet.")
    else:
        output.say(
            f"Publication {published['publication_id']} for {published['business_date']}, "
            f"gate {published['gate_status']}, made {published['published_at']:%Y-%m-%d %H:%M %Z}: "
            f"{published['rows_added']:,} rows added, {published['rows_closed']:,} closed"
        )


def _status() -> dict[str, Any]:
    from arrears.status import status as read_status

    return read_status(settings().url(Role.PUBLISHER))


def _show_build(newest: dict[str, Any] | None) -> None:
    from arrears.monitor import not_finished

    if newest is not None and (ended := not_finished(newest)):
        output.say(ended)


def _show_gate(gate_run: dict[str, Any] | None) -> None:
    if gate_run is None:
        return
    output.say(
        f"Gate on build {gate_run['build_id']}: {gate_run['outcome']}, {gate_run['evaluated']} expectations, "
        f"{len(gate_run['failed'])} failed"
        + (f"; held back: {', '.join(gate_run['held'])}" if gate_run["held"] else "")
    )
    for verdict in gate_run["failed"]:
        output.say(f"  - {verdict['severity']}: {verdict['suite']}: {verdict['expectation']}: {verdict['observed']}")
