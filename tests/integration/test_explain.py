"""Explaining loans: the same loan on the same day as two publications knew it, and every situation a loan may be in.

One lender delivers a book on two days; publication 1 is made of it. Then it sends the first day again, corrected:
publication 2. Every instalment is 90 principal and 10 interest, due on the 4th, the first on 4 February.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from arrears import __version__
from arrears.errors import Infrastructure
from arrears.explain import Explanation, explain
from arrears.explain.known import Knowledge, reservations
from arrears.settings import Role, settings
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .command_line import Answer, CommandLine
from .test_dbt import dbt
from .test_load import Lender, _column
from .test_modes import _resource
from .test_restatement import _publish

FIRST, SECOND = dt.date(2024, 4, 10), dt.date(2024, 4, 16)
LOANS, PLAN = "no,product", "no,version,n,due,principal,interest,from"
PAYMENTS, EVENTS = "id,no,paid,kind,amount,undoes", "no,on,kind"
POSITIONS = "no,on,left,late"


def schedule(loan: str, version: int = 1, shift: int = 0, start: str = "") -> list[str]:
    """Four monthly instalments, all `shift` months later than in the original."""
    return [f"{loan},{version},{number},{dt.date(2024, 1 + number + shift, 4)},90,10,{start}" for number in range(1, 5)]


def paid(identity: str, loan: str, day: str, amount: str, kind: str = "repayment", undoes: str = "") -> str:
    return f"{identity},{loan},2024-{day},{kind},{amount},{undoes}"


ALL = ["late", "returned", "extended", "paused", "settled", "vanished", "prepaid"]
PLANS = [row for loan in ALL for row in schedule(loan)]
ON_TIME = [paid(f"{loan}-1", loan, "02-04", "100") for loan in ALL]
MARCH = [paid(f"{loan}-2", loan, "03-04", "100") for loan in ("late", "returned", "settled", "vanished")]
FIRST_PAYMENTS = [
    *ON_TIME, *MARCH, paid("returned-3", "returned", "03-20", "100", "reversal", "returned-2"),
    paid("settled-3", "settled", "04-04", "200"), paid("prepaid-2", "prepaid", "03-01", "270", "prepayment"),
]  # fmt: skip
PART, WHOLE = paid("late-3", "late", "04-08", "30.00"), paid("late-3", "late", "04-08", "100.00")
SECOND_PAYMENTS = [
    paid("early-1", "nobody", "04-15", "10"),
    paid("settled-3", "late", "04-15", "70"),  # the number of another loan's payment
    paid("late-9", "late", "04-15", "5", "reversal", "late-8"),  # of a payment that nobody has sent
]
# of a lender whose every file is a snapshot: what the next one leaves out is withdrawn
IN_VAIN, OTHERS = paid("one-1", "one", "02-04", "100"), paid("other-1", "other", "02-04", "100")
FIRST_EVENTS = ["extended,2024-03-01,extended", "paused,2024-03-10,paused"]
# what the lender itself says; of the vanished loan it says nothing any more on the second day
FIRST_POSITIONS = [
    "late,2024-04-10,160,6", "extended,2024-04-10,270,37", "vanished,2024-04-10,180,5", "settled,2024-04-10,,",
    "prepaid,2024-04-10,0,0",
]  # fmt: skip
SECOND_POSITIONS = [
    "late,2024-04-16,90,0", "returned,2024-04-16,180,12", "extended,2024-04-16,270,43", "paused,2024-04-16,280,5",
    "settled,2024-04-16,180,12",
]  # fmt: skip


@dataclass
class Book:
    """The landing folder as it was when each version was delivered, to look lines up in."""

    lender: Lender
    copies: dict[tuple[str, int], str]

    def deliver(self, day: dt.date, version: int, **files: tuple[str, list[str]]) -> None:
        for name, (header, rows) in files.items():
            text = "\n".join([header, *rows]) + "\n"
            self.copies[f"{self.lender.name}/{day}/{name}.csv", version] = text
        self.lender.send(day, **{
            name: self.copies[f"{self.lender.name}/{day}/{name}.csv", version] for name in files
        })  # fmt: skip
        assert self.lender.load_and_accept(day).rejected == 0

    def line(self, source: dict[str, Any]) -> str:
        """What a person finds who opens the file at that line, as it was delivered."""
        return self.copies[source["file"], source["version"]].splitlines()[source["line"] - 1]


@pytest.fixture(scope="module")
def book(shared_warehouse: Warehouse, models_alone: None) -> Book:
    lender = Lender(shared_warehouse, shared_warehouse.settings.home, "acme")
    lender.document["arrears"]["conventions"] = {"grace_days": 3}
    lender.document["resources"] = [
        _resource("loans", "loan", "snapshot", [_column("no", "loan_id"), _column("product", "product")],
                  currency="CNY", principal="360", disbursed_on="2024-01-10"),
        _resource("plan", "instalment", "upsert", [
            _column("no", "loan_id"), _column("version", "schedule_version", "integer"),
            _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
            _column("principal", "principal_due", "number"), _column("interest", "interest_due", "number"),
            _column("from", "effective_on", "date"),
        ]),
        _resource("payments", "payment", "append", [
            _column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
            _column("kind", "kind"), _column("amount", "amount", "number"), _column("undoes", "reverses_payment_id"),
        ]),
        _resource("events", "loan_event", "append", [
            _column("no", "loan_id"), _column("on", "event_on", "date"), _column("kind", "kind"),
        ]),
        _resource("positions", "reported_position", "append", [
            _column("no", "loan_id"), _column("on", "as_of", "date"),
            _column("left", "outstanding_principal", "number"), _column("late", "dpd", "integer"),
        ]),
    ]  # fmt: skip
    told = Book(lender, {})

    def first(version: int, late: str) -> None:
        told.deliver(
            FIRST, version, loans=(LOANS, [f"{loan},consumer" for loan in ALL]),
            plan=(PLAN, PLANS + schedule("extended", 2, 2, "2024-03-01")),
            payments=(PAYMENTS, [*FIRST_PAYMENTS, late]), events=(EVENTS, FIRST_EVENTS),
            positions=(POSITIONS, FIRST_POSITIONS),
        )  # fmt: skip

    statements = Book(Lender(shared_warehouse, shared_warehouse.settings.home, "statements"), told.copies)
    statements.lender.document["resources"] = [
        resource | {"arrears": resource["arrears"] | {"mode": "snapshot"}}
        for resource in lender.document["resources"] if resource["name"] != "positions"
    ]  # fmt: skip
    for day, payments in {FIRST: [IN_VAIN, OTHERS], SECOND: [OTHERS]}.items():
        statements.deliver(
            day, 1, loans=(LOANS, ["one,consumer", "other,consumer"]),
            plan=(PLAN, [*schedule("one"), *schedule("other")]), payments=(PAYMENTS, payments), events=(EVENTS, []),
        )  # fmt: skip

    first(1, PART)
    told.deliver(
        SECOND, 1, loans=(LOANS, [f"{loan},consumer" for loan in ALL if loan != "vanished"]), plan=(PLAN, []),
        payments=(PAYMENTS, SECOND_PAYMENTS), events=(EVENTS, []), positions=(POSITIONS, SECOND_POSITIONS),
    )  # fmt: skip
    assert _publish(shared_warehouse, SECOND).publication_id == 1
    first(2, WHOLE)
    assert _publish(shared_warehouse, SECOND).publication_id == 2
    return told


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def explained(loan: str, day: dt.date = SECOND, publication: int | None = 2, lender: str = "acme") -> Explanation:
    """An explanation that agrees with what was published, where anything was."""
    explanation = explain(lender, loan, day, publication, settings=settings())
    assert all(not comparison.differences for comparison in explanation.published), explanation.published
    return explanation


def test_a_corrected_payment_is_explained_as_each_publication_knew_it(book: Book) -> None:
    before, after = explained("late", publication=1), explained("late", publication=2)
    assert before.reason == (
        "12 days past due on 16 April 2024: instalment 3, due 4 April 2024, is short by 70.00 of 100.00."
    )
    assert after.reason == "Not past due on 16 April 2024: every instalment due by then is settled."
    assert (before.state["dpd"], before.state["bucket"], after.state["dpd"]) == (12, "M1", 0)
    assert [comparison.mart for comparison in before.published] == ["fct_loan_current"]
    oldest = before.oldest_unpaid
    assert oldest is not None
    assert after.oldest_unpaid is None
    (payment,) = oldest["payments"]
    assert (payment["payment_id"], payment["effect"]["counted"]) == ("late-3", Decimal(30))
    assert (payment["effect"]["interest"], payment["effect"]["principal"]) == (Decimal(10), Decimal(20))
    assert payment["source"]["is_replaced"]
    assert not after.payments[-2]["source"]["is_replaced"]
    assert (book.line(payment["source"]), book.line(after.payments[-2]["source"])) == (PART, WHOLE)


def test_every_source_leads_to_the_row_it_names(book: Book) -> None:
    for loan in ALL:
        explanation = explained(loan)
        assert book.line(explanation.loan["source"]).startswith(f"{loan},")
        for payment in (*explanation.payments, *explanation.held_out):
            assert book.line(payment["source"]).startswith(f"{payment['payment_id']},{loan},{payment['value_on']}")
        for row in explanation.instalments:
            place = f"{loan},{row['schedule_version']},{row['instalment_no']},{row['due_on']}"
            assert book.line(row["source"]).startswith(place)
        for event in explanation.events:
            assert book.line(event["source"]) == f"{loan},{event['event_on']},{event['kind']}"
        for version in explanation.schedule_versions:
            assert book.line(version["source"]).startswith(f"{loan},{version['schedule_version']},1,")
        assert explanation.position is not None
        assert book.line(explanation.position["source"]).startswith(f"{loan},{explanation.position['as_of']},")


def test_a_return_reopens_the_instalment_and_is_named_with_what_it_undid(book: Book) -> None:
    explanation = explained("returned")
    assert explanation.reason == (
        "43 days past due on 16 April 2024: instalment 2, due 4 March 2024, is short by 100.00 of 100.00; with 1 "
        "younger one, 200.00 is overdue."
    )
    assert explanation.oldest_unpaid is not None
    assert [(row["payment_id"], row["effect"]["counted"]) for row in explanation.oldest_unpaid["payments"]] == [
        ("returned-2", 100), ("returned-3", -100),
    ]  # fmt: skip
    assert explanation.payments[1]["reversed_by"] == "returned-3"
    earlier = explained("returned", dt.date(2024, 3, 19))
    assert earlier.state["dpd"] == 0
    assert earlier.payments[1]["reversed_by"] is None


def test_an_extension_shows_both_schedules(book: Book) -> None:
    explanation = explained("extended")
    assert explanation.reason == (
        "Not past due on 16 April 2024: every instalment due by then is settled. By the original schedule it is "
        "43 days past due."
    )
    assert explanation.state["schedule_version"] == 2
    assert [version["in_force_from"] for version in explanation.schedule_versions] == [None, dt.date(2024, 3, 1)]
    assert [event["kind"] for event in explanation.events] == ["extended"]
    contractual = explanation.contractual_oldest_unpaid
    assert contractual is not None
    assert (contractual["schedule_version"], contractual["instalment_no"]) == (1, 2)
    assert explanation.state["contractual_dpd"] == 43


def test_a_pause_says_since_when_the_clock_stands(book: Book) -> None:
    explanation = explained("paused")
    assert explanation.state["dpd"] == 5
    assert "5 days past due on 16 April 2024: instalment 2, due 4 March 2024" in explanation.reason
    assert "The clock has stood still since 10 March 2024." in explanation.reason
    assert explained("paused", dt.date(2024, 3, 31)).published[0].mart == "fct_loan_month"


def test_a_settled_loan_and_one_that_vanished(book: Book) -> None:
    assert explained("settled").reason == (
        "Settled since 4 April 2024: nothing is short on any instalment and no principal is left."
    )
    vanished = explained("vanished")
    assert vanished.state["state"] == "unknown"
    assert vanished.reason.endswith(
        "The lender's snapshots have not listed it since 16 April 2024, so its state is unknown."
    )
    assert explained("vanished", dt.date(2024, 4, 15)).state["state"] == "active"


def test_a_loan_paid_off_early_is_explained_as_it_is_published(book: Book, arrears: CommandLine) -> None:
    """Interest of the months to come lapses: all of the prepayment is principal, and no instalment is short of it."""
    explanation = explained("prepaid")
    assert explanation.reason == (
        "Settled since 1 March 2024: paid off on 1 March 2024 with all principal and what had fallen due."
    )
    split = ("principal", "interest", "fee", "penalty", "unallocated")
    published = book.lender.warehouse.rows(
        f"select payment_id, {', '.join(split)} from marts.fct_payment where loan_id = 'prepaid' order by value_on"
    )
    assert [tuple(payment[name] for name in ("payment_id", *split)) for payment in explanation.payments] == published
    assert published[1] == ("prepaid-2", 270, 0, 0, 0, 0)
    settled = book.lender.warehouse.rows(
        "select instalment_no, settled_on from marts.fct_instalment where loan_id = 'prepaid' order by 1"
    )
    assert [(row["instalment_no"], row["settled_on"]) for row in explanation.instalments] == settled
    assert {day for _, day in settled[1:]} == {dt.date(2024, 3, 1)}
    assert [(row["short"], row["is_short"]) for row in explanation.instalments] == [(0, False)] * 4
    before = explained("prepaid", dt.date(2024, 2, 29)).instalments
    assert [(row["settled_on"], row["short"]) for row in before[1:]] == [(None, 100)] * 3

    text = arrears("explain", "acme", "prepaid", "--as-of", "2024-04-16").out
    assert "prepaid-2 prepayment 2024-03-01 270.00 the whole loan: principal 270.00 " in " ".join(text.split())


def test_what_a_later_snapshot_leaves_out_is_gone(book: Book) -> None:
    """The newest snapshot of payments speaks of the loan though none of its rows does."""
    explanation = explained("one", lender="statements")
    assert explanation.payments == ()
    assert explanation.reason.startswith("72 days past due on 16 April 2024: instalment 1, due 4 February 2024")
    assert [row["payment_id"] for row in explained("other", lender="statements").payments] == ["other-1"]


def test_what_has_no_effect_is_named(book: Book) -> None:
    explanation = explained("late")
    assert {row["payment_id"]: row["why"] for row in explanation.held_out} == {
        "settled-3": "number settled-3 stands for another payment, of loan settled",
        "late-9": "it reverses late-8, which is not a payment of this loan",
    }


def test_conventions_say_who_set_them(book: Book) -> None:
    conventions = {row["convention"]: row for row in explained("late").conventions}
    assert conventions["grace_days"] | {"value": None} == {
        "convention": "grace_days", "value": None, "set_by": "lender", "effective_from": dt.date(1900, 1, 1),
    }  # fmt: skip
    assert conventions["grace_days"]["value"] == "3"
    assert conventions["scheme"]["set_by"] == "default"
    known = book.lender.warehouse.rows(
        "select grace_days, scheme, allocation, tol_abs from intermediate.int_convention where lender = 'acme' "
        "and in_force_until > '9999-01-01'"
    )
    values = [conventions[name]["value"] for name in ("grace_days", "scheme", "allocation", "tol_abs")]
    assert [str(value) for value in known[0]] == values


def compared(loan: str, day: dt.date = SECOND, publication: int = 2) -> tuple[str | None, dt.date | None, str]:
    """The type of the break, since when it has been one, and what is said of it."""
    position = explained(loan, day, publication).position
    assert position is not None
    return position["break_type"], position["broken_since"], position["comparison"]


def test_what_the_lender_says_is_held_against_what_each_publication_knew(book: Book) -> None:
    """Until the first day is corrected, the lender shows money that we do not have, and that is no instalment."""
    assert compared("late", FIRST, 1) == (
        "none", None, "The lender's figures of 10 April 2024 agree with ours: 160.00 outstanding and 6 days past due.",
    )  # fmt: skip
    kind, since, said = compared("late", publication=1)
    assert (kind, since) == ("unexplained", SECOND)
    assert said.startswith(
        "On 16 April 2024 the lender says 90.00 outstanding and 0 days past due, we find 160.00 outstanding and 12 "
        "days past due: a break of type unexplained since 16 April 2024. The balances differ by 70.00: "
    )
    assert compared("late")[0] == "none"


@pytest.mark.parametrize(
    ("loan", "kind", "since", "why"),
    [
        (
            "returned", "missing_payment", SECOND,
            ("Its balance is lower by 90.00, the principal of instalment 3, due 4 April 2024: the lender seems to have "
            "a payment that we do not have."),
        ),
        (
            "settled", "missing_payment", SECOND,
            ("Its balance is higher by 180.00, the principal of our payment settled-3 of 4 April 2024: the lender does "
            "not seem to have it."),
        ),
        (
            "extended", "schedule", FIRST,
            "The money is the same; the days are counted from another due date, or in another way.",
        ),
        (
            "paused", "allocation", SECOND,
            ("The balances differ by 10.00, no more than the 10.00 that payments put to interest, fees and penalties: "
            "the lender seems to split the money in another way."),
        ),
        ("vanished", "timing", FIRST, "It is what we find on 9 April 2024: the lender books a day later."),
    ],
)  # fmt: skip
def test_a_break_is_explained_by_what_it_rests_on(book: Book, loan: str, kind: str, since: dt.date, why: str) -> None:
    found, broken_since, said = compared(loan)
    assert (found, broken_since) == (kind, since)
    assert said.endswith(why)


def test_a_position_without_a_figure_is_held_against_nothing(book: Book) -> None:
    kind, since, said = compared("settled", FIRST)
    assert (kind, since) == (None, None)
    assert said == "Of 10 April 2024 the lender sent neither a balance nor days past due: there is nothing to compare."


def test_a_difference_from_what_was_published_is_told(book: Book) -> None:
    change = (
        "update published.fct_loan_current set dpd = dpd + %s where loan_id = 'paused' and superseded_in is null "
        "returning dpd"
    )
    (tampered,) = book.lender.warehouse.rows(change, 1)[0]
    try:
        (comparison,) = explain("acme", "paused", SECOND, 2, settings=settings()).published
        assert comparison.differences == {"dpd": (tampered, tampered - 1)}
    finally:
        book.lender.warehouse.rows(change, -1)


def test_the_record_of_what_builds_knew(book: Book) -> None:
    """Intervals: the first day's first version was known to the first build alone, the second day to both."""
    known = book.lender.warehouse.rows(
        "select d.business_date, d.version, k.from_build, k.until_build from ops.delivery_in_build as k "
        "join ops.delivery as d using (delivery_id) where d.lender = 'acme' order by 1, 2"
    )
    assert known == [(FIRST, 1, 1, 2), (FIRST, 2, 2, None), (SECOND, 1, 1, None)]


def test_a_build_goes_by_its_record(book: Book, tmp_path: Path) -> None:
    """Whatever has been accepted since: what the first build was made from is not what stands now."""
    warehouse = book.lender.warehouse
    variables = json.dumps({"business_date": str(SECOND), "build_id": 1})
    done = dbt(warehouse, tmp_path, "run", "--select", "stg_delivery", "--vars", variables)
    assert done.returncode == 0, done.stdout
    seen = warehouse.rows(
        "select d.business_date, d.version, d.status from staging.stg_delivery join ops.delivery as d "
        "using (delivery_id) where d.lender = 'acme' order by 1"
    )
    assert seen == [(FIRST, 1, "superseded"), (SECOND, 1, "accepted")]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.READER, "select * from ops.delivery_in_build"),
        (Role.BUILDER, "delete from ops.delivery_in_build"),
        (Role.BUILDER, "update ops.delivery_in_build set from_build = 1"),
        (Role.BUILDER, "update ops.publication set build_id = 1"),
    ],
)
def test_the_record_is_added_to_and_never_rewritten(book: Book, role: Role, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        book.lender.warehouse.rows(statement, role=role)


TEXT = """
12 days past due on 16 April 2024: instalment 3, due 4 April 2024, is short by 70.00 of 100.00.
loan           acme late, consumer  acme/2024-04-10/loans.csv:2 (v1, replaced since)
as known       publication 1 (build 1 for 2024-04-16, arrears 0.1.0)
bucket         M1 of cn30, 3 days of grace
published      fct_loan_current says the same
  2024-04-08 repayment late-3 of 30.00, here 30.00 (principal 20.00, interest 10.00)  acme/2024-04-10/payments.csv:16 \
(v1, replaced since)
Instalments due or paid on by 2024-04-16 (3 of the 4 of the schedule in force)
 2  2024-03-04  100.00   100.00      –  2024-03-04  late-2   acme/2024-04-10/plan.csv:3 (v1, replaced since)
 3  2024-04-04  100.00    30.00  70.00  –           late-3   acme/2024-04-10/plan.csv:4 (v1, replaced since)
late-9   reversal   2024-04-15   -5.00                                      reverses late-8  \
acme/2024-04-16/payments.csv:4
      1  the start          –            4  2024-02-04    2024-05-04   acme/2024-04-10/plan.csv:2 (v1, replaced since)
2024-04-16                  90.00                  –              0       –  acme/2024-04-16/positions.csv:2
On 16 April 2024 the lender says 90.00 outstanding and 0 days past due, we find 160.00 outstanding and 12 days \
past due: a break of type unexplained since 16 April 2024. The balances differ by 70.00: no payment, no instalment and \
no split of the 30.00 paid to interest, fees and penalties is enough to explain it.
grace_days          3                               lender   1900-01-01
scheme              cn30                            default  1900-01-01
"""


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_text_names_everything_that_decided(book: Book, arrears: CommandLine) -> None:
    answer = arrears("explain", "acme", "late", "--as-of", "2024-04-16", "--as-known", "1")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    for line in TEXT.strip("\n").splitlines():
        assert line in lines, f"{line}\nis not in\n{answer.out}"


def test_json_holds_all_of_it(book: Book, arrears: CommandLine) -> None:
    answer = arrears("explain", "acme", "late", "--as-of", "2024-04-16", "--as-known", "1", "--json")
    said = json.loads(answer.out)
    assert said["state"]["dpd"] == 12
    assert said["oldest_unpaid"]["short"] == "70.00"
    assert said["as_known"]["publication_id"] == 1
    position = said["position"]
    assert (position["break_type"], position["broken_since"], position["difference"]) == (
        "unexplained", "2024-04-16", "70.00",
    )  # fmt: skip
    assert position["source"]["line"] == 2
    assert said["published"] == [{"mart": "fct_loan_current", "agrees": True, "differences": []}]
    assert "borrower" not in answer.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody", "late", "--as-of", "2024-04-16"), "There is no lender nobody: delivered have acme, statements."),
        (("acme", "nobody", "--as-of", "2024-04-16"), "has no loan nobody; it has 7 others"),
        (
            ("acme", "nobody", "--as-of", "2024-04-16"),
            "held out until the lender delivers the loan itself (payments: 1)",
        ),
        (("acme", "late", "--as-of", "2024-01-09"), "in the book from 2024-01-10 on"),
        (("acme", "late", "--as-of", "2024-04-17"), "the data of acme reach to 2024-04-16"),
        (("acme", "late", "--as-of", "2024-04-16", "--as-known", "9"), "There is no publication 9: the newest is 2."),
    ],
)
def test_what_cannot_be_explained_says_what_to_do(
    book: Book, arrears: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    answer = arrears("explain", *arguments)
    assert answer.code == 2
    assert told in answer.err


def test_nothing_is_explained_before_the_first_build(warehouse: Warehouse, arrears: CommandLine) -> None:
    answer: Answer = arrears("explain", "acme", "late", "--as-of", "2024-04-16")
    assert (answer.code, answer.out) == (2, "")
    assert "run `arrears build --date D`" in answer.err


def test_without_dbt_the_log_is_named(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(_no_dbt(tmp_path)))
    fresh = settings().model_copy(update={"home": tmp_path})
    with pytest.raises(Infrastructure, match=r"dbt could not compile the models: .*dbt.log"):
        explain("acme", "late", SECOND, 2, settings=fresh)


def test_a_contract_that_was_dated_back_has_not_changed_since(warehouse: Warehouse, tmp_path: Path) -> None:
    """Deliveries under its former, later date are still known, and do not speak for it."""
    lender = Lender(warehouse, tmp_path)
    known = Knowledge(1, None, 1, FIRST, __version__, is_newest=True)

    def reserved() -> list[str]:
        with connect(lender.url, "test") as connection, connection.cursor() as cursor:
            cursor.execute('create temporary table "ops.delivery" on commit drop as select * from ops.delivery')
            cursor.execute('delete from "ops.delivery" where delivery_id > %s', [newest])
            return reservations(cursor, "acme", known)

    lender.document["arrears"]["effective_from"] = "2024-04-01"
    lender.send(FIRST, loans="no,product,amount,lent,score\nL1,auto,5,2024-01-15,1\n")
    lender.load_and_accept(FIRST)
    lender.document["arrears"]["effective_from"] = "2024-02-01"
    lender.send(SECOND, loans="no,product,amount,lent,score\nL1,auto,5,2024-01-15,1\n")
    newest = lender.load_and_accept(SECOND).delivery_id
    assert reserved() == []
    lender.document["arrears"]["names"]["en"] = "Another name"
    lender.send(SECOND, loans="no,product,amount,lent,score\nL1,home,5,2024-01-15,1\n")
    lender.load_and_accept(SECOND)
    assert "has changed since" in reserved()[0]


def _no_dbt(folder: Path) -> Path:
    """A folder that, first on Python's path, hides dbt."""
    (folder / "dbt").mkdir()
    (folder / "dbt" / "__init__.py").write_text("")
    return folder
