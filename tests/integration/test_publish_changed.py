"""Publishing what a build says it has changed, and when that is not enough to go by.

The candidates here are spoiled on purpose: a row is changed that the build does not speak of. Who sees it has looked at
all rows, and who does not has looked at those spoken of alone.
"""

from __future__ import annotations

import pytest

from arrears.publish import PublishResult, publish, rollback
from arrears.settings import Role

from ..conftest import Warehouse
from .candidate import FEBRUARY, MARCH, Candidate

A_FEB, A_MAR, B_FEB = ("a", FEBRUARY, 10, 0.5), ("a", MARCH, 11, 0.4), ("b", FEBRUARY, 7, None)
A_NEW, B_UNSPOKEN = ("a", FEBRUARY, 12, 0.5), ("b", FEBRUARY, 8, None)


@pytest.fixture
def candidate(warehouse: Warehouse) -> Candidate:
    one = Candidate(warehouse)
    one.publish([A_FEB, B_FEB])
    return one


def published(candidate: Candidate, build_id: int) -> PublishResult:
    return publish(build_id, url=candidate.warehouse.url(Role.PUBLISHER))


def shown(candidate: Candidate) -> list[tuple[object, ...]]:
    return [row[:3] for row in candidate.read()]


def test_rows_that_the_build_speaks_of_are_compared_and_no_others(candidate: Candidate) -> None:
    result = published(candidate, candidate.go_on([A_NEW, A_MAR, B_UNSPOKEN], A_FEB, A_MAR))
    assert (result.rows_added, result.rows_closed) == (2, 1)
    assert shown(candidate) == [A_NEW[:3], A_MAR[:3], B_FEB[:3]]


def test_a_row_that_went_is_closed(candidate: Candidate) -> None:
    published(candidate, candidate.go_on([A_FEB], B_FEB))
    assert shown(candidate) == [A_FEB[:3]]


def test_a_row_spoken_of_that_says_what_it_said_is_not_written(candidate: Candidate) -> None:
    """A build that failed may have changed it, and the next one changed it back."""
    result = published(candidate, candidate.go_on([A_FEB, A_MAR, B_FEB], A_FEB, A_FEB, A_MAR))
    assert (result.rows_added, result.rows_closed) == (1, 0)


def everything_is_compared(candidate: Candidate, build_id: int) -> bool:
    published(candidate, build_id)
    return B_UNSPOKEN[:3] in shown(candidate)


def test_where_the_marts_show_another_build_all_rows_are_compared(candidate: Candidate) -> None:
    candidate.go_on([A_NEW, B_UNSPOKEN], A_FEB)  # and never published
    assert everything_is_compared(candidate, candidate.go_on([A_NEW, B_UNSPOKEN]))


def test_after_a_rollback_all_rows_are_compared(candidate: Candidate) -> None:
    candidate.publish([A_NEW, B_FEB])
    rollback(1, url=candidate.warehouse.url(Role.PUBLISHER), by="Wang Fang", reason="test")
    assert everything_is_compared(candidate, candidate.go_on([A_NEW, B_UNSPOKEN]))


def test_where_a_build_of_everything_is_published_all_rows_are_compared(candidate: Candidate) -> None:
    assert everything_is_compared(candidate, candidate.build([A_NEW, B_UNSPOKEN]))


@pytest.mark.parametrize("held_back_in", ["what is shown", "what is published"])
def test_where_lenders_are_held_back_all_rows_are_compared(candidate: Candidate, held_back_in: str) -> None:
    build_id = candidate.go_on([A_NEW, B_UNSPOKEN], A_FEB)
    judged = candidate.builds[0] if held_back_in == "what is shown" else build_id
    candidate.warehouse.rows(
        "insert into ops.gate_held select max(gate_run_id), 'c' from ops.gate_run where build_id = %s", judged
    )
    assert everything_is_compared(candidate, build_id)


def test_where_dbt_was_run_by_hand_since_all_rows_are_compared(candidate: Candidate) -> None:
    """What was kept is lost then, for what is changed by hand is on no record."""
    build_id = candidate.go_on([A_NEW, B_UNSPOKEN], A_FEB)
    candidate.warehouse.rows("drop table candidate.mart_x_changed")
    assert everything_is_compared(candidate, build_id)
