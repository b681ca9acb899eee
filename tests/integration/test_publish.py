"""The publisher, on candidates written by hand: what changes, what readers see, what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest

from arrears.errors import Infrastructure, Refused, Usage
from arrears.publish import PublishResult, approve, compare, publish, rollback
from arrears.settings import Role
from arrears.warehouse import migrations
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .candidate import COLUMNS, FEBRUARY, MARCH, Candidate


@pytest.fixture
def candidate(warehouse: Warehouse) -> Candidate:
    return Candidate(warehouse)


A_FEB, A_MAR, B_FEB = ("a", FEBRUARY, 10, 0.5), ("a", MARCH, 11, 0.4), ("b", FEBRUARY, 7, None)


def test_the_first_publication_shows_every_row_with_comments(candidate: Candidate) -> None:
    done = candidate.publish([A_FEB, B_FEB])
    assert (done.publication_id, done.outcome, done.rows_added, done.rows_closed) == (1, "published", 4, 0)
    assert [row[:3] for row in candidate.read()] == [A_FEB[:3], B_FEB[:3]]
    assert candidate.read("select distinct publication_id from mart_x") == [(1,)]
    comments = candidate.warehouse.rows(
        "select obj_description('marts.mart_x'::regclass), col_description('marts.mart_x'::regclass, 4)"
    )
    assert comments == [("A mart (表)", "Loans (贷款笔数)")]


def test_only_rows_that_differ_are_written(candidate: Candidate) -> None:
    candidate.publish([A_FEB, B_FEB])
    done = candidate.publish([A_FEB, A_MAR, ("b", FEBRUARY, 8, None)])
    assert (done.rows_added, done.rows_closed) == (2, 1)
    history = candidate.warehouse.rows(
        "select lender, month_end, loans, published_in, superseded_in from published.mart_x order by 1, 2, 4"
    )
    assert history == [
        ("a", FEBRUARY, 10, 1, None),
        ("a", MARCH, 11, 2, None),
        ("b", FEBRUARY, 7, 1, 2),
        ("b", FEBRUARY, 8, 2, None),
    ]


def test_a_row_that_is_gone_is_closed_and_not_deleted(candidate: Candidate) -> None:
    candidate.publish([A_FEB, B_FEB])
    done = candidate.publish([A_FEB])
    assert [row[0] for row in candidate.read()] == ["a"]
    assert done.restatements[0].removed == 1
    assert candidate.warehouse.value("select count(*) from published.mart_x") == 2


def test_restatements_are_changes_of_history_already_covered(candidate: Candidate) -> None:
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    done = candidate.publish([("a", FEBRUARY, 12, 0.5), A_MAR, B_FEB], MARCH)
    assert [(c.mart, c.lender, c.period, c.added, c.changed) for c in done.restatements] == [
        ("mart_x", "a", FEBRUARY, 0, 1)
    ]
    changes = candidate.read(
        "select mart, lender, period, rows_added, rows_changed, rows_removed, is_restatement "
        "from publication_change where publication_id = 2 and mart = 'mart_x' order by period"
    )
    assert changes == [("mart_x", "a", FEBRUARY, 0, 1, 0, True), ("mart_x", "a", MARCH, 1, 0, 0, False)]


def test_publishing_a_build_again_is_a_no_op(candidate: Candidate) -> None:
    first = candidate.publish([A_FEB])
    again = publish(candidate.builds[-1], url=candidate.warehouse.url(Role.PUBLISHER))
    assert (again.publication_id, again.outcome) == (first.publication_id, "unchanged")
    assert candidate.warehouse.value("select count(*) from ops.publication") == 1


def test_a_retry_tells_what_the_publication_did(candidate: Candidate) -> None:
    """Whose answer was lost: nobody else would be told of the history that it restated."""
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    done = candidate.publish([("a", FEBRUARY, 12, 0.5), A_MAR, B_FEB], MARCH)
    again = publish(candidate.builds[-1], url=candidate.warehouse.url(Role.PUBLISHER))
    assert again.outcome == "unchanged"
    assert (again.publication_id, again.rows_added, again.rows_closed, again.restatements) == (
        done.publication_id, done.rows_added, done.rows_closed, done.restatements,
    )  # fmt: skip
    assert again.restatements


def test_an_approval_stands_where_there_is_nothing_to_publish(candidate: Candidate) -> None:
    """Else the build would wait for one for ever, and nobody would know who gave it."""
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB])
    number = candidate.build([A_FEB], gate="warn")
    assert publish(number, url=url, approved_by="Mei", reason="seen").outcome == "unchanged"
    assert candidate.warehouse.rows("select approved_by, reason from ops.approval") == [("Mei", "seen")]
    assert candidate.warehouse.value("select count(*) from ops.publication") == 1


def test_the_same_content_for_the_same_day_is_no_new_publication(candidate: Candidate) -> None:
    candidate.publish([A_FEB])
    again = candidate.publish([A_FEB])
    assert (again.publication_id, again.outcome) == (1, "unchanged")
    assert candidate.warehouse.value("select count(*) from ops.publication") == 1


def test_the_same_content_for_a_new_day_is_a_publication(candidate: Candidate) -> None:
    candidate.publish([A_FEB], FEBRUARY, as_of=FEBRUARY)
    assert candidate.publish([A_FEB], MARCH, as_of=FEBRUARY).publication_id == 2


def test_as_known_shows_what_an_earlier_publication_said(candidate: Candidate) -> None:
    candidate.publish([A_FEB], FEBRUARY)
    candidate.publish([("a", FEBRUARY, 99, 0.5), A_MAR], MARCH)
    connection = psycopg2.connect(candidate.warehouse.url(Role.READER))
    with connection, connection.cursor() as cursor:
        cursor.execute("set arrears.publication = '1'; select publication_id, loans from marts_as_known.mart_x")
        assert cursor.fetchall() == [(1, 10)]
        cursor.execute("reset arrears.publication; select publication_id, loans from marts_as_known.mart_x order by 2")
        assert cursor.fetchall() == [(2, 11), (2, 99)]
    connection.close()


@pytest.mark.parametrize(
    ("gate", "says"), [("", "has not been through the gate"), ("fail", "failed the gate"), ("warn", "approve")]
)
def test_what_has_not_passed_the_gate_is_refused(candidate: Candidate, gate: str, says: str) -> None:
    candidate.publish([A_FEB])
    number = candidate.build([A_MAR], gate=gate)
    with pytest.raises(Refused, match=says):
        publish(number, url=candidate.warehouse.url(Role.PUBLISHER))
    assert [row[1] for row in candidate.read()] == [FEBRUARY]


def test_warnings_are_published_with_a_name(candidate: Candidate) -> None:
    number = candidate.build([A_FEB], gate="warn")
    publish(number, url=candidate.warehouse.url(Role.PUBLISHER), approved_by="Wang Fang")
    assert candidate.read("select gate_status, approved_by from publication") == [("warn", "Wang Fang")]


def test_an_older_build_is_refused(candidate: Candidate) -> None:
    older = candidate.build([A_FEB])
    candidate.build([A_MAR])
    with pytest.raises(Refused, match=r"not the newest.*which is 'built'. Gate and publish that"):
        publish(older, url=candidate.warehouse.url(Role.PUBLISHER))
    candidate.warehouse.rows("update ops.build set status = 'failed' where build_id <> %s", older)
    with pytest.raises(Refused, match=r"which is 'failed'. Build again"):
        publish(older, url=candidate.warehouse.url(Role.PUBLISHER))


def test_a_day_run_late_does_not_take_the_marts_back(candidate: Candidate) -> None:
    candidate.publish([A_MAR], MARCH)
    with pytest.raises(Refused, match="already shows 2024-03-31"):
        candidate.publish([A_FEB], FEBRUARY)
    assert [row[1] for row in candidate.read()] == [MARCH]


def test_an_unknown_build_is_a_usage_error(candidate: Candidate) -> None:
    with pytest.raises(Usage, match="no build 7"):
        publish(7, url=candidate.warehouse.url(Role.PUBLISHER))


def test_a_column_may_be_added_and_views_on_the_mart_survive(candidate: Candidate) -> None:
    candidate.publish([A_FEB])
    run = candidate.warehouse.rows
    run("create schema bi; create view bi.mine as select lender, loans * 2 as twice from marts.mart_x")
    before = candidate.warehouse.value("select 'bi.mine'::regclass::oid")
    candidate.columns = COLUMNS + ", overdue bigint"
    candidate.publish([(*A_FEB, 3), (*A_MAR, 4)])
    assert run("select * from bi.mine order by 2") == [("a", 20), ("a", 22)]
    assert candidate.warehouse.value("select 'bi.mine'::regclass::oid") == before
    assert candidate.read("select overdue from mart_x order by 1") == [(3,), (4,)]
    assert candidate.read("select publication_id, overdue from marts_as_known.mart_x order by 2") == [(2, 3), (2, 4)]


@pytest.mark.parametrize(
    ("columns", "rows", "says"),
    [
        ("lender text not null, month_end date not null, loans bigint", [("a", MARCH, 1)], "rate: .* now missing"),
        (COLUMNS.replace("loans bigint", "loans text"), [("a", MARCH, "1", 0)], "loans: published as bigint, now text"),
    ],
)
def test_a_published_column_is_neither_removed_nor_retyped(
    candidate: Candidate, columns: str, rows: list[tuple[object, ...]], says: str
) -> None:
    candidate.publish([A_FEB])
    candidate.columns = columns
    with pytest.raises(Refused, match=says):
        candidate.publish(rows)
    assert [row[:3] for row in candidate.read()] == [A_FEB[:3]]
    assert candidate.warehouse.value("select count(*) from ops.publication") == 1


def test_two_publishers_at_once_make_one_publication(candidate: Candidate) -> None:
    number = candidate.build([A_FEB, B_FEB])
    answers: list[PublishResult] = []

    def run() -> None:
        answers.append(publish(number, url=candidate.warehouse.url(Role.PUBLISHER)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.outcome for answer in answers) == ["published", "unchanged", "unchanged", "unchanged"]
    assert {answer.publication_id for answer in answers} == {1}
    assert candidate.warehouse.value("select count(*) from published.mart_x") == 2


def test_readers_go_on_while_a_publication_is_under_way(candidate: Candidate) -> None:
    """A reader in REPEATABLE READ keeps its publication; nobody waits; nobody sees half of one."""
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    reader = psycopg2.connect(candidate.warehouse.url(Role.READER))
    reader.set_session(isolation_level="REPEATABLE READ")
    with reader.cursor() as cursor:
        cursor.execute("select publication_id, loans from mart_x order by 2")
        before = cursor.fetchall()
        candidate.publish([("a", FEBRUARY, 1, None), ("b", FEBRUARY, 2, None)], MARCH)
        cursor.execute("select publication_id, loans from mart_x order by 2")
        assert cursor.fetchall() == before == [(1, 7), (1, 10)]
    reader.close()
    assert candidate.read("select publication_id, loans from mart_x order by 2") == [(2, 1), (2, 2)]


OF_LENDERS = (
    "select lender from marts.mart_x union all select lender from marts_as_known.mart_x "
    "union all select lender from marts.dim_lender union all select lender from marts.publication_lender "
    "union all select lender from marts.publication_change where lender is not null"
)


@pytest.fixture
def investor(candidate: Candidate) -> Iterator[str]:
    """The URL of a reader bound to lender b, who may also take on the role of all readers."""
    run = candidate.warehouse.rows
    run("create role investor login password 'investor' in role arrears_readers")
    run("insert into ops.reader_lender values ('investor', 'b')")
    yield candidate.warehouse.settings.owner().login("investor", "investor").url()
    run("drop role investor")


@pytest.mark.parametrize("role_taken", ["", "set role investor; ", "set role arrears_readers; "])
def test_a_reader_bound_to_a_lender_sees_that_lender_alone(
    candidate: Candidate, investor: str, role_taken: str
) -> None:
    candidate.publish([A_FEB, B_FEB])
    with connect(investor, "test") as connection, connection.cursor() as cursor:
        cursor.execute(role_taken + OF_LENDERS)
        assert {lender for (lender,) in cursor.fetchall()} == {"b"}


@pytest.mark.parametrize("role_taken", ["", "set role arrears_readers; "])
def test_a_reader_bound_to_a_lender_is_not_told_why_others_were_published(
    candidate: Candidate, investor: str, role_taken: str
) -> None:
    candidate.publish([A_FEB, B_FEB])
    candidate.publish([A_MAR, B_FEB])
    rollback(1, by="Li Wei", reason="a sent its payments twice", url=candidate.warehouse.url(Role.PUBLISHER))
    asked = "select approved_by, reason from publication order by publication_id desc limit 1"
    with connect(investor, "test") as connection, connection.cursor() as cursor:
        cursor.execute(f"{role_taken}set search_path = marts; {asked}")
        assert cursor.fetchall() == [(None, None)]
    assert candidate.read(asked) == [("Li Wei", "a sent its payments twice")]


def test_views_that_stood_before_are_bound_as_new_ones_are(candidate: Candidate) -> None:
    """What the migration makes of a mart's views is what a publication makes."""
    candidate.publish([A_FEB, B_FEB])
    views = (
        "select c.oid::regclass::text, pg_get_viewdef(c.oid) from pg_class as c where c.relkind = 'v' "
        "and c.relnamespace in ('marts'::regnamespace, 'marts_as_known'::regnamespace) order by 1"
    )
    made = candidate.warehouse.rows(views)
    assert sum("SESSION_USER" in definition for _, definition in made) == 7
    with connect(candidate.warehouse.owner_url, "test") as connection, connection.cursor() as cursor:
        cursor.execute(Path(migrations.__file__).with_name("versions").joinpath("0009_bound_readers.sql").read_text())
    assert candidate.warehouse.rows(views) == made


def test_a_mart_that_is_gone_is_refused(candidate: Candidate) -> None:
    """Its views would show for ever what they show now, as of the newest publication."""
    candidate.publish([A_FEB])
    number = candidate.build([A_MAR])
    candidate.warehouse.rows("delete from ops.build_mart where build_id = %s and mart = 'mart_x'", number)
    with pytest.raises(Refused, match="mart_x: published, and not in the build"):
        publish(number, url=candidate.warehouse.url(Role.PUBLISHER))
    assert candidate.read("select publication_id, month_end from mart_x") == [(1, FEBRUARY)]


def test_a_lost_connection_leaves_the_marts_as_they_were(candidate: Candidate) -> None:
    candidate.publish([A_FEB])
    number = candidate.build([A_MAR])
    locker = psycopg2.connect(candidate.warehouse.owner_url)
    with locker.cursor() as cursor:
        cursor.execute("lock table ops.publication in exclusive mode")
        failure: list[BaseException] = []

        def run() -> None:
            try:
                publish(number, url=candidate.warehouse.url(Role.PUBLISHER))
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        kill = (
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where wait_event_type = 'Lock' and datname = current_database()"
        )
        while thread.is_alive():
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute(kill)
            thread.join(0.1)
    locker.rollback()
    locker.close()
    assert isinstance(failure[0], Infrastructure)
    assert [row[1] for row in candidate.read()] == [FEBRUARY]
    assert publish(number, url=candidate.warehouse.url(Role.PUBLISHER)).publication_id == 2


# ── approval, going back, comparing ──────────────────────────────────────────────────────────────────────


def test_a_warning_is_approved_with_a_name_and_a_reason(candidate: Candidate) -> None:
    url = candidate.warehouse.url(Role.PUBLISHER)
    build = candidate.build([A_FEB], gate="warn")
    with pytest.raises(Refused, match="arrears approve"):
        publish(build, url=url)
    given = approve(build, url=url, by="Mei", reason="seen with the lender")
    assert (given.approved_by, given.reason) == ("Mei", "seen with the lender")
    late = approve(build, url=url, by="Bo", reason="me too")
    assert late.approved_by == "Mei", "the first approval stands"
    publish(build, url=url)
    assert candidate.read("select gate_status, approved_by, reason from publication") == [
        ("warn", "Mei", "seen with the lender")
    ]


def test_an_approval_is_of_one_judgement(candidate: Candidate) -> None:
    """What the gate says later, nobody has approved yet."""
    url = candidate.warehouse.url(Role.PUBLISHER)
    build = candidate.build([A_FEB], gate="warn")
    approve(build, url=url, by="Mei", reason="seen")
    candidate.warehouse.judge(build, "warn")
    with pytest.raises(Refused, match="somebody has to approve"):
        publish(build, url=url)


def test_an_answer_is_to_the_judgement_that_was_asked_about(candidate: Candidate) -> None:
    """A gate that ends late, or is run again by hand, may have found what nobody has seen yet."""
    url, newest = candidate.warehouse.url(Role.PUBLISHER), "select max(gate_run_id) from ops.gate_run"
    build = candidate.build([A_FEB], gate="warn")
    asked_about = [candidate.warehouse.value(newest)]
    candidate.warehouse.judge(build, "warn")
    with pytest.raises(Refused, match="judged again since the warnings that Mei approved: look at the new ones"):
        publish(build, url=url, approved_by="Mei", judged=asked_about)
    assert candidate.warehouse.value("select count(*) from ops.approval") == 0
    publish(build, url=url, approved_by="Mei", judged=[candidate.warehouse.value(newest)])
    assert candidate.read("select approved_by from publication") == [("Mei",)]


@pytest.mark.parametrize("gate", ["pass", "warn"])
def test_who_was_asked_about_an_earlier_judgement_does_not_stand_in_the_way(candidate: Candidate, gate: str) -> None:
    """Of the newest there is nothing to approve, or somebody has seen it and has."""
    url = candidate.warehouse.url(Role.PUBLISHER)
    build = candidate.build([A_FEB], gate="warn")
    asked_about = [candidate.warehouse.value("select max(gate_run_id) from ops.gate_run")]
    candidate.warehouse.judge(build, gate)
    if gate == "warn":
        approve(build, url=url, by="Bo", reason="seen")
    publish(build, url=url, approved_by="Mei", judged=asked_about)
    assert candidate.read("select approved_by from publication") == [("Bo" if gate == "warn" else None,)]


@pytest.mark.parametrize(("gate", "why"), [("pass", "nothing to approve"), ("fail", "nobody can"), ("", "the gate")])
def test_what_needs_no_approval_or_cannot_have_one(candidate: Candidate, gate: str, why: str) -> None:
    build = candidate.build([A_FEB], gate=gate)
    with pytest.raises(Refused, match=why):
        approve(build, url=candidate.warehouse.url(Role.PUBLISHER), by="Mei", reason="please")
    assert candidate.warehouse.value("select count(*) from ops.approval") == 0


def test_going_back_shows_the_earlier_publication_as_a_new_one(candidate: Candidate) -> None:
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    then = candidate.read()
    candidate.publish([("a", FEBRUARY, 99, 0.9), A_MAR], MARCH)
    wrong = candidate.read()

    done = rollback(1, url=url, by="Mei", reason="wrong file")

    assert (done.publication_id, done.outcome, done.business_date) == (3, "published", FEBRUARY)
    assert candidate.read() == then
    record = (
        "select publication_id, business_date, is_current, approved_by, reason, restores from publication order by 1"
    )
    assert candidate.read(record) == [
        (1, FEBRUARY, False, None, None, None),
        (2, MARCH, False, None, None, None),
        (3, FEBRUARY, True, "Mei", "wrong file", 1),
    ]
    assert candidate.read("select lender, data_as_of from publication_lender where publication_id = 3 order by 1") == [
        ("a", FEBRUARY), ("b", FEBRUARY),
    ]  # fmt: skip
    as_known = candidate.warehouse.rows
    assert as_known(
        "set arrears.publication = '2'; select lender, month_end, loans, rate from marts_as_known.mart_x order by 1, 2",
        role=Role.READER,
    ) == wrong  # fmt: skip
    restated = [(c.mart, c.lender, c.period, c.added, c.changed, c.removed) for c in done.restatements]
    assert restated == [
        ("mart_x", "a", FEBRUARY, 0, 1, 0), ("mart_x", "a", MARCH, 0, 0, 1),
    ]  # fmt: skip

    # what is built next is published over it
    candidate.publish([A_FEB, A_MAR, B_FEB], MARCH)
    assert len(candidate.read()) == 3


def test_a_build_that_was_gone_back_from_is_not_said_to_stand(candidate: Candidate) -> None:
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB])
    candidate.publish([B_FEB])
    rollback(1, url=url, by="Mei", reason="wrong file")
    with pytest.raises(Refused, match="publication 3 has gone back from it: `arrears rollback 2` shows it again"):
        publish(candidate.builds[-1], url=url)
    rollback(2, url=url, by="Mei", reason="it was right")
    assert publish(candidate.builds[-1], url=url).publication_id == 2
    assert [row[0] for row in candidate.read()] == ["b"]


def test_what_was_judged_before_somebody_went_back_is_judged_again(candidate: Candidate) -> None:
    """It was held against what is no longer shown, and is likely built from what was gone back from."""
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB])
    candidate.publish([B_FEB])
    waiting = candidate.build([B_FEB, A_MAR], gate="warn")
    rollback(1, url=url, by="Bo", reason="wrong file")
    why = "held against publication 2, and the marts show publication 3 now: mend what was gone back from"
    with pytest.raises(Refused, match=why):
        approve(waiting, url=url, by="Mei", reason="seen")
    with pytest.raises(Refused, match=why):
        publish(waiting, url=url)
    assert [row[0] for row in candidate.read()] == ["a"]
    candidate.warehouse.judge(waiting, "warn")
    approve(waiting, url=url, by="Mei", reason="seen")
    assert publish(waiting, url=url).publication_id == 4
    assert approve(waiting, url=url, by="Bo", reason="late").approved_by == "Mei", "what is published stays approved"


def test_going_back_again_is_a_no_op(candidate: Candidate) -> None:
    """As after an answer that was lost."""
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB])
    candidate.publish([B_FEB])
    done = rollback(1, url=url, by="Mei", reason="wrong file")
    again = rollback(1, url=url, by="Mei", reason="wrong file")
    assert (again.publication_id, again.outcome) == (done.publication_id, "unchanged")
    assert (again.rows_added, again.rows_closed) == (done.rows_added, done.rows_closed)
    assert candidate.warehouse.value("select count(*) from ops.publication") == 3


def test_going_back_empties_a_mart_that_came_later(candidate: Candidate) -> None:
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB], FEBRUARY)
    build = candidate.build([A_FEB], MARCH)
    run = candidate.warehouse.rows
    run("drop table if exists candidate.mart_new", role=Role.BUILDER)
    run("create table candidate.mart_new (lender text primary key, loans bigint)", role=Role.BUILDER)
    run("insert into candidate.mart_new values ('a', 1)", role=Role.BUILDER)
    run("insert into ops.build_mart values (%s, 'mart_new', array['lender'], null, null)", build, role=Role.BUILDER)
    publish(build, url=url)
    rollback(1, url=url, by="Mei", reason="too early")
    assert candidate.read("select count(*) from mart_new") == [(0,)]


@pytest.mark.parametrize(("number", "why"), [(7, "no publication 7"), (1, "nothing to go back to")])
def test_there_is_nothing_to_go_back_to(candidate: Candidate, number: int, why: str) -> None:
    candidate.publish([A_FEB])
    with pytest.raises(Usage, match=why):
        rollback(number, url=candidate.warehouse.url(Role.PUBLISHER), by="Mei", reason="why not")
    assert candidate.read("select count(*) from publication") == [(1,)]


def test_the_difference_of_two_publications_names_before_and_after(candidate: Candidate) -> None:
    url = candidate.warehouse.url(Role.PUBLISHER)
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    candidate.publish([("a", FEBRUARY, 12, 0.5), A_MAR], MARCH)

    found = compare(1, 2, url=url, mart="mart_x")
    assert [(m.mart, m.lender, m.period, m.added, m.changed, m.removed) for m in found.months] == [
        ("mart_x", "a", FEBRUARY, 0, 1, 0),
        ("mart_x", "a", MARCH, 1, 0, 0),
        ("mart_x", "b", FEBRUARY, 0, 0, 1),
    ]
    assert [(row.kind, tuple(row.key.values()), row.values) for row in found.rows] == [
        ("changed", ("a", FEBRUARY), {"loans": (10, 12)}),
        ("added", ("a", MARCH), {"loans": (None, 11), "rate": (None, Decimal("0.4"))}),
        ("removed", ("b", FEBRUARY), {"loans": (7, None)}),
    ]
    back = compare(2, 1, url=url, mart="mart_x", lender="a", limit=1)
    assert [(row.kind, row.values) for row in back.rows] == [("changed", {"loans": (12, 10)})]
    assert {month.lender for month in back.months} == {"a"}
    # the lenders changed, too, where no mart is asked for
    assert {month.mart for month in compare(1, 2, url=url).months} == {"mart_x", "dim_lender"}
    rollback(1, url=url, by="Mei", reason="compare")
    assert compare(1, 3, url=url).months == (), "other rows with the same content are no difference"


def test_a_difference_needs_publications_and_a_mart_that_exist(candidate: Candidate) -> None:
    candidate.publish([A_FEB])
    url = candidate.warehouse.url(Role.PUBLISHER)
    with pytest.raises(Usage, match="no publication 5"):
        compare(1, 5, url=url)
    with pytest.raises(Usage, match="no mart 'mart_y'"):
        compare(1, 1, url=url, mart="mart_y")
    with pytest.raises(Usage, match=r"know no lender c. There are: a"):
        compare(1, 1, url=url, lender="c")
