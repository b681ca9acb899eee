"""The reference's reckoning of collection, held to stories worked by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ..reference.book import Book, CollectionAction, Convention, Event, Loan, Payment
from ..reference.reckoning import reckon
from .lives import FEBRUARY, LAST, amounts, book, loan, monthly, on, pay, plan, row, ruled, table, take_back

SHANGHAI = ZoneInfo("Asia/Shanghai")


def call(
    month: int, day: int, at: str = "10:00", called: str = "a", *, channel: str = "phone", year: int = 2020, **more: Any
) -> CollectionAction:
    """An action, by the clocks of Shanghai."""
    acted_at = dt.datetime.combine(on(month, day, year), dt.time.fromisoformat(at), SHANGHAI)
    return CollectionAction(called, acted_at, channel, **more)


def chased(*actions: CollectionAction, payments: tuple[Payment, ...] = (), **more: Any) -> Loan:
    """A loan of which 100 are due on 1 February, and on 1 March."""
    return loan(plan(*monthly(2)), *payments, actions=actions, **more)


def promised(amount: str | None, day: dt.date | None, *payments: Payment, **more: Any) -> Loan:
    """On 5 February the borrower promises something."""
    sum_promised = None if amount is None else Decimal(amount)
    return chased(call(2, 5, promised_amount=sum_promised, promised_on=day), payments=payments, **more)


def kept(a_loan: Loan, as_of: dt.date = LAST, **conventions: str) -> Any:
    (action,) = table("fct_collection_action", a_loan, as_of=as_of, **conventions)
    return action["promise_kept"]


# Promises


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        pytest.param([pay(on(2, 8), "60"), pay(on(2, 10), "40")], "kept", id="in two parts, the last on the last day"),
        pytest.param([pay(on(2, 5), "100")], "kept", id="on the day of the promise"),
        pytest.param([pay(on(2, 10), "99.99")], "partly_kept", id="a cent less"),
        pytest.param([pay(on(2, 4), "100")], "broken", id="on the day before it"),
        pytest.param([pay(on(2, 11), "100")], "broken", id="a day late"),
        pytest.param([pay(on(2, 8), "100", "recovery")], "kept", id="what the lender books as recovered"),
        pytest.param([pay(on(2, 8), "100", "waiver")], "broken", id="a waiver is no money"),
        pytest.param([paid := pay(on(2, 8), "100"), take_back(paid, on(2, 9))], "broken", id="returned in time"),
        pytest.param([paid := pay(on(2, 8), "100"), take_back(paid, on(2, 11))], "kept", id="returned later"),
        pytest.param([pay(on(2, 8), "100"), take_back(pay(on(2, 7), "60"), on(2, 9))], "kept", id="of another"),
    ],
)
def test_a_promise_is_judged_by_the_cash_from_the_call_to_the_promised_day(
    payments: list[Payment], expected: str
) -> None:
    assert kept(promised("100", on(2, 10), *payments)) == expected


def test_a_promise_is_pending_until_its_last_day_has_closed() -> None:
    told = promised("100", on(2, 10))
    assert [kept(told, on(2, day)) for day in (9, 10)] == ["pending", "broken"]
    assert [kept(told, on(2, day), promise_grace_days="2") for day in (11, 12)] == ["pending", "broken"]


def test_grace_and_share_are_conventions_of_the_promised_day() -> None:
    late, less = promised("100", on(2, 10), pay(on(2, 12), "100")), promised("100", on(2, 10), pay(on(2, 10), "90"))
    assert [kept(late, promise_grace_days=days) for days in ("1", "2")] == ["broken", "kept"]
    assert [kept(less, promise_kept_share=share) for share in ("0.9", "0.91")] == ["kept", "partly_kept"]
    for since, expected in ((on(2, 10), "kept"), (on(2, 11), "broken")):
        (action,) = reckon([ruled(late, Convention("promise_grace_days", "2", since))], LAST)["fct_collection_action"]
        assert action["promise_kept"] == expected


def test_where_nothing_is_promised_nothing_is_kept() -> None:
    assert [kept(promised(*said)) for said in (("100", None), (None, on(2, 10)), ("0", on(2, 10)))] == [None] * 3


def test_a_promise_for_a_day_that_has_passed_is_broken() -> None:
    assert kept(promised("100", on(2, 4), pay(on(2, 4), "100"), pay(on(2, 5), "100"))) == "broken"


def test_one_payment_may_keep_two_promises() -> None:
    twice = [call(2, day, called=str(day), promised_amount=Decimal(100), promised_on=on(2, day + 5)) for day in (5, 6)]
    rows = table("fct_collection_action", chased(*twice, payments=(pay(on(2, 8), "100"),)))
    assert [one["promise_kept"] for one in rows] == ["kept", "kept"]


# The day


def test_an_action_belongs_to_the_lenders_day() -> None:
    sent = CollectionAction("a", dt.datetime(2020, 1, 31, 16, 30, tzinfo=dt.UTC), "visit")  # 1 February 00:30
    told = chased(sent)
    (compliance,) = table("mart_contact_compliance_daily", told)
    assert (compliance["contact_on"], compliance["rule"], compliance["breaches"]) == (FEBRUARY, "quiet_hours", 1)
    assert [len(table("fct_collection_action", told, as_of=day)) for day in (on(1, 31), FEBRUARY)] == [0, 1]
    in_london = replace(book(told), timezone="Europe/London")  # 31 January 16:30
    tables = reckon([in_london], LAST)
    assert tables["fct_collection_action"][0]["breach_rule"] is None
    assert tables["mart_collection_performance_monthly"][0]["month_end"] == on(1, 31)


# The rules of contact


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(call(2, 5, "21:59:59"), None, id="before ten"),
        pytest.param(call(2, 5, "22:00"), "quiet_hours", id="at ten"),
        pytest.param(call(2, 5, "00:00", connected=False), "quiet_hours", id="nobody answers at midnight"),
        pytest.param(call(2, 5, "07:59:59", channel="visit"), "quiet_hours", id="at the door before eight"),
        pytest.param(call(2, 5, "08:00", channel="visit"), None, id="at the door at eight"),
        pytest.param(call(2, 5, "23:00", channel="sms"), None, id="a message at night"),
        pytest.param(call(2, 5, channel="sms", party="contact"), "debtor_only", id="a message to a friend"),
        pytest.param(call(2, 5, "23:00", party="contact"), "quiet_hours", id="of two rules the first"),
        pytest.param(call(3, 27, "23:00", party="contact", year=2018), None, id="before there were rules"),
        pytest.param(call(3, 28, "23:00", year=2018), "quiet_hours", id="on their first day"),
    ],
)
def test_the_first_rule_that_an_action_breaks(action: CollectionAction, expected: str | None) -> None:
    (found,) = table("fct_collection_action", chased(action, disbursed_on=on(1, 1, 2018)))
    assert found["breach_rule"] == expected


def _calls(agency: str | None, *hours: int, **more: Any) -> list[CollectionAction]:
    said: dict[str, Any] = {"agency": agency, "connected": True, "party": "debtor"} | more
    return [call(2, 5, f"{hour:02}:00", f"{hour:02}", **said) for hour in hours]


def test_a_debtor_takes_three_calls_a_day_from_everybody_together() -> None:
    own = chased(*_calls(None, 9, 15), *_calls("north", 12, party=None), identity_hash="ann")
    also = chased(*_calls("south", 16), *_calls("north", 14), loan_id="l2", identity_hash="ann")
    other = chased(*_calls("north", 18), loan_id="l3")
    beside = chased(
        *_calls("north", 10, connected=False), *_calls("north", 11, party="contact"), loan_id="l4", identity_hash="ann"
    )
    tables = reckon([book(own, also, other, beside)], LAST)
    broken = {one["action_id"] for one in tables["fct_collection_action"] if one["breach_rule"] == "daily_calls"}
    assert broken == {"15", "16"}  # 9, 12 and 14 are the three
    compliance = [one for one in tables["mart_contact_compliance_daily"] if one["rule"] == "daily_calls"]
    assert {one["agency"]: amounts(one, "actions", "breaches") for one in compliance} == {
        "in_house": [2, 1],
        "north": [3, 0],
        "south": [1, 1],
    }


def test_compliance_counts_only_what_a_rule_is_about() -> None:
    rows = table("mart_contact_compliance_daily", chased(call(2, 5, channel="sms"), call(2, 6, called="b")))
    assert [(one["contact_on"], one["rule"], one["actions"]) for one in rows] == [(on(2, 6), "quiet_hours", 1)]


# Performance


def performance(*loans: Loan, as_of: dt.date = LAST, **key: object) -> dict[str, Any]:
    return row(table("mart_collection_performance_monthly", *loans, as_of=as_of), **key)


def collected(*loans: Loan) -> dict[str, Decimal]:
    rows = table("mart_collection_performance_monthly", *loans)
    return {one["agency"]: one["collected_principal_7d"] for one in rows}


def test_a_month_of_an_agency_on_a_channel() -> None:
    told = chased(
        call(2, 5, called="a", connected=True, party="debtor", promised_amount=Decimal(100), promised_on=on(2, 10)),
        call(2, 6, called="b", connected=True, party="contact", complaint=True),
        call(2, 6, called="c", connected=False, complaint=False),
        call(2, 7, called="d", connected=True, promised_amount=Decimal(10), promised_on=on(2, 9)),
        call(2, 7, called="e", channel="sms"),
        call(3, 1, called="f", agency="north"),
        payments=(pay(on(2, 9), "60"),),
    )
    found = performance(told, chased(call(2, 9, called="g"), loan_id="l2"), agency="in_house", channel="phone")
    assert found["month_end"] == on(2, 29)
    assert amounts(found, "actions", "connected", "right_party", "loans_worked", "complaints") == [5, 3, 1, 2, 1]
    assert amounts(found, "promises_due", "promises_kept", "promises_partly_kept") == [2, 1, 1]
    assert performance(told, as_of=on(2, 8), agency="in_house", channel="phone")["promises_due"] == 0
    assert performance(told, agency="north")["month_end"] == on(3, 31)


def test_a_payment_belongs_to_the_last_action_of_the_week_before_it() -> None:
    told = chased(
        call(2, 3, called="a", agency="north"),
        call(2, 5, "09:00", "b", agency="south", channel="sms"),
        call(2, 5, "09:00", "c", agency="east"),
        call(2, 13, called="d", agency="west"),
        payments=(pay(on(2, 2), "10"), pay(on(2, 12), "20"), pay(on(2, 13), "30")),
    )
    assert collected(told) == {"north": 0, "south": 0, "east": 20, "west": 30}
    later = chased(call(2, 5), payments=(pay(on(2, 13), "20"),))
    assert collected(later) == {"in_house": 0}


def test_what_is_taken_back_is_taken_from_who_brought_it_in() -> None:
    paid, alone, again = pay(on(2, 6), "60"), pay(on(1, 10), "15"), pay(on(3, 2), "40", called="again")
    told = chased(
        call(2, 5, called="a", agency="north"),
        call(3, 1, called="b", agency="south"),
        payments=(alone, paid, again, take_back(paid, on(3, 3)), take_back(alone, on(3, 4))),
    )
    assert collected(told) == {"north": 0, "south": 40}


def test_what_undoes_an_undoing_goes_with_it() -> None:
    paid = pay(on(2, 6), "60")
    back = take_back(paid, on(3, 3))
    told = chased(
        call(2, 5, called="a", agency="north"),
        call(3, 1, called="b", agency="south"),
        payments=(paid, back, pay(on(3, 5), "60", reverses_payment_id=back.payment_id)),
    )
    assert collected(told) == {"north": 60, "south": 0}


def test_recoveries_count_by_the_lenders_split_and_waivers_not_at_all() -> None:
    told = chased(
        call(6, 5),
        payments=(
            pay(on(2, 2), "10", "waiver"),
            pay(on(6, 6), "80", "recovery", principal=Decimal(50), interest=Decimal(30)),
            pay(on(6, 7), "70", "recovery"),
        ),
        events=(Event(on(6, 1), "written_off"),),
    )
    assert collected(told) == {"in_house": 50}


def test_actions_of_every_known_loan_count() -> None:
    told = chased(call(1, 2), disbursed_on=on(1, 5))  # called before the money was paid out
    assert len(table("fct_collection_action", told, as_of=on(1, 3))) == 1
    assert reckon([Book("a_lender", LAST)], LAST)["mart_collection_performance_monthly"] == []
