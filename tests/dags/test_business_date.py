"""The partition key is the business date: in every zone, at month-ends, over daylight saving time, in backfills."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pendulum
import pytest

from arrears import contract
from arrears.contract import LenderSummary

UTC = dt.UTC
ZONES = ["Asia/Shanghai", "America/New_York", "Europe/London", "Pacific/Auckland", "America/Los_Angeles", "UTC"]


def lender(timezone: str = "Asia/Shanghai", calendar: str = "daily", **changes) -> LenderSummary:
    values = {"lender": "one", "name_en": "One", "name_zh": None, "cutoff": dt.time(0), "deadline": dt.time(6)}
    return LenderSummary(timezone=timezone, calendar=calendar, **{**values, **changes})


def core(summary: LenderSummary):
    """The scheduler's own object for the lender's timetable, by way of serialisation."""
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable

    import arrears_wiring as wiring

    return decode_timetable(encode_timetable(wiring.business_dates(summary.timezone, summary.calendar == "month_end")))


def scheduled(summary: LenderSummary, start: dt.datetime, count: int):
    """The first `count` runs the scheduler makes from `start` on, as it asks for them."""
    from airflow.timetables.base import TimeRestriction

    timetable, last, found = core(summary), None, []
    restriction = TimeRestriction(earliest=pendulum.instance(start), latest=None, catchup=True)
    for _ in range(count):
        last = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        found.append(last)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_daily_runs_have_every_day_as_key_once(zone):
    # 800 days: two leap-year ends, and every change of the clocks.
    first = dt.date(2023, 12, 30)
    runs = scheduled(lender(zone), dt.datetime(2023, 12, 31, tzinfo=ZoneInfo(zone)), 800)
    expected = [first + dt.timedelta(days=n) for n in range(800)]
    assert [run.partition_key for run in runs] == [str(day) for day in expected]
    for run, day in zip(runs, expected, strict=True):
        assert run.partition_date == midnight(day, zone)
        assert run.run_after == midnight(day + dt.timedelta(days=1), zone)  # not before the day is over


def midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Santiago"])
def test_no_day_is_lost_where_clocks_change_at_midnight(zone):
    runs = scheduled(lender(zone), dt.datetime(2023, 12, 31, tzinfo=ZoneInfo(zone)), 800)
    assert [run.partition_key for run in runs] == [
        str(dt.date(2023, 12, 30) + dt.timedelta(days=n)) for n in range(800)
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_month_end_runs_have_the_last_day_as_key(zone):
    runs = scheduled(lender(zone, "month_end"), dt.datetime(2024, 1, 15, tzinfo=ZoneInfo(zone)), 14)
    assert [run.partition_key for run in runs] == [
        "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30", "2024-07-31",
        "2024-08-31", "2024-09-30", "2024-10-31", "2024-11-30", "2024-12-31", "2025-01-31", "2025-02-28",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("calendar", "keys"),
    [("daily", ["2024-02-28", "2024-02-29", "2024-03-01"]), ("month_end", ["2024-02-29"])],
)
def test_backfill_includes_both_ends_and_meets_the_scheduled_runs(calendar, keys):
    zone = "America/New_York"
    timetable = core(lender(zone, calendar))
    backfill = list(
        timetable.iter_partition_dagrun_infos(
            earliest=dt.datetime(2024, 2, 28, tzinfo=UTC), latest=dt.datetime(2024, 3, 1, tzinfo=UTC)
        )
    )
    assert [run.partition_key for run in backfill] == keys
    regular = {
        run.partition_key: run.partition_date
        for run in scheduled(lender(zone, calendar), dt.datetime(2024, 2, 1, tzinfo=ZoneInfo(zone)), 40)
    }
    for run in backfill:
        assert run.partition_date == regular[run.partition_key]
        assert run.partition_date == timetable.resolve_partition_date(run.partition_key)  # of a triggered run


def context(key: str | None = None, **conf: str):
    return {"dag_run": SimpleNamespace(partition_key=key, conf=conf, run_id="r", dag_id="d", logical_date=None)}


def test_business_date_comes_from_key_or_conf():
    import arrears_wiring as wiring

    day = dt.date(2024, 2, 29)
    assert wiring.business_date(context("2024-02-29")) == day
    assert wiring.business_date(context(business_date="2024-02-29")) == day
    assert wiring.business_date(context("2024-02-29", business_date="2024-02-29")) == day


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (context(), "has no business date"),
        (context("2024-02-29", business_date="2024-03-01"), "two business dates"),
        (context("2024-02-30"), "no date of the form"),
        (context(business_date="29/02/2024"), "no date of the form"),
    ],
)
def test_business_date_never_guesses(given, message):
    from airflow.sdk.exceptions import AirflowFailException

    import arrears_wiring as wiring

    with pytest.raises(AirflowFailException, match=message):
        wiring.business_date(given)


def test_publication_cutoff_is_the_last_deadline_of_those_due(monkeypatch):
    import arrears_wiring as wiring

    both = [
        lender("Asia/Shanghai", lender="near", deadline=dt.time(6)),
        lender("America/New_York", "month_end", lender="far", deadline=dt.time(9)),
    ]
    monkeypatch.setattr(contract, "lenders", lambda: both)
    assert wiring.publication_timezone() == "Asia/Shanghai"
    assert wiring.publication_cutoff(dt.date(2024, 3, 30)) == dt.datetime(2024, 3, 30, 22, tzinfo=UTC)
    assert wiring.publication_cutoff(dt.date(2024, 3, 31)) == dt.datetime(2024, 4, 1, 13, tzinfo=UTC)
    monkeypatch.setenv("ARREARS_PUBLICATION_CUTOFF", "10:30")
    assert wiring.publication_cutoff(dt.date(2024, 3, 31)) == dt.datetime(2024, 4, 1, 2, 30, tzinfo=UTC)
    monkeypatch.setenv("ARREARS_PUBLICATION_TIMEZONE", "UTC")
    assert wiring.publication_cutoff(dt.date(2024, 3, 31)) == dt.datetime(2024, 4, 1, 10, 30, tzinfo=UTC)


def test_a_contract_that_cannot_be_read_times_nobody_s_publication(monkeypatch):
    import arrears_wiring as wiring

    drafted = lender("UTC", lender="drafted", deadline=dt.time(23), problem="names are still open")
    monkeypatch.setattr(contract, "lenders", lambda: [lender("Asia/Shanghai"), drafted])
    day = dt.date(2024, 3, 30)
    assert [one.lender for one in wiring.due_lenders(day)] == ["one"]
    assert wiring.publication_timezone() == "Asia/Shanghai"
    assert wiring.publication_cutoff(day) == dt.datetime(2024, 3, 30, 22, tzinfo=UTC)


def test_a_lender_is_due_from_its_first_contract_on(monkeypatch):
    import arrears_wiring as wiring

    joined = dt.date(2024, 6, 1)
    late = lender(since=joined)
    assert [late.is_due(joined - dt.timedelta(days=1)), late.is_due(joined)] == [False, True]
    monkeypatch.setenv("ARREARS_FIRST_BUSINESS_DATE", "2024-02-29")
    start = wiring.live("Asia/Shanghai", since=joined)["start_date"]
    assert scheduled(late, start, 1)[0].partition_key == "2024-06-01"


@pytest.mark.parametrize(("calendar", "first"), [("daily", "2024-02-29"), ("month_end", "2024-02-29")])
def test_every_date_from_the_first_is_run(monkeypatch, calendar, first):
    import arrears_wiring as wiring

    month_ends = calendar == "month_end"
    assert not wiring.live("Asia/Shanghai", month_ends)["catchup"]
    monkeypatch.setenv("ARREARS_FIRST_BUSINESS_DATE", "2024-02-29")
    live = wiring.live("Asia/Shanghai", month_ends)
    assert live["catchup"]
    assert scheduled(lender(calendar=calendar), live["start_date"], 1)[0].partition_key == first
