"""The models against the independent reference: every fact and every mart, to the cent and the day, on generated lives.

ARREARS_EXAMPLES=20000 asks for more examples than CI takes, and for new ones; each is some books of one to three loans.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds

from ..conftest import Warehouse
from ..reference.book import Book
from ..reference.reckoning import reckon
from .engine.cases import CASES
from .engine.compare import Tables, differences, told
from .engine.random_books import random_books
from .engine.strategies import books
from .engine.warehouse import BUSINESS_DATE, Engine, Model, RuleBroken, broken, compiled_models, engine

ON_DEMAND = os.environ.get("ARREARS_EXAMPLES")
EXAMPLES = int(ON_DEMAND or 200)


class FactsDiffer(AssertionError):
    """A fact of a loan is not what the reference says."""


class MartsDiffer(AssertionError):
    """The facts agree, and what is summed over them does not."""


@pytest.fixture(scope="module")
def models(shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    return compiled_models(shared_warehouse, tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def opened(shared_warehouse: Warehouse, models: list[Model]) -> Iterator[Engine]:
    with engine(shared_warehouse.owner_url, models) as opened:
        yield opened


def hold(opened: Engine, given_books: Sequence[Book], reckoned: Tables | None = None) -> Tables:
    """Run both on the same books. Returns what the reference says of them; reckoned: the same, where it is known.

    Raises:
        FactsDiffer, MartsDiffer: they disagree.
    """
    with ThreadPoolExecutor(1) as beside:  # PostgreSQL works on one core while the reference takes the other
        computed = beside.submit(opened.run, given_books)
        reckoned = reckoned or reckon(given_books, BUSINESS_DATE)
        found = computed.result()
    for error, prefix in ((FactsDiffer, "fct_"), (MartsDiffer, "mart_")):
        part: Tables = {table: rows for table, rows in reckoned.items() if table.startswith(prefix)}
        differing = differences(found, part, opened.keys)
        if differing:
            raise error(told(differing, given_books))
    return reckoned


@bounds(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not ON_DEMAND,  # CI asks the same questions each time
    database=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # the message says what there is to explain
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(given_books=books())
@pytest.mark.timeout(0 if ON_DEMAND else 900)  # a disagreement takes minutes to shrink
def test_every_fact_and_every_mart_agrees_with_the_reference(opened: Engine, given_books: list[Book]) -> None:
    hold(opened, given_books)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.__name__) for case in CASES])
def test_what_once_disagreed_agrees(opened: Engine, case: Callable[[], Book]) -> None:
    hold(opened, [case()])


# a model, what it says, and what one would hardly see in a review
MISTAKES = [
    ("int_instalment_balance", "(owed_left > tolerance) as is_short", "(owed_left >= tolerance) as is_short"),
    ("int_payoff_demand", "payments.value_on <= thresholds.asked_on", "payments.value_on < thresholds.asked_on"),
    ("int_clock", "days.day >= shortages.short_from", "days.day > shortages.short_from"),
    ("int_delivery_day", "(days_of_lenders.business_date + (1))", "(days_of_lenders.business_date + (0))"),
    ("mart_vintage", "months.dpd >= past_thresholds.min_dpd", "months.dpd > past_thresholds.min_dpd"),
    ("mart_collection_curve", "amounts.due_month <= calendar.date", "amounts.due_month < calendar.date"),
]


@pytest.fixture(scope="module")
def random_loans(opened: Engine) -> tuple[list[Book], Tables]:
    """Loans of two lenders, on which the models as they stand agree, and what the reference says of them."""
    loans = random_books(150, seed=10)
    return loans, hold(opened, loans)


@pytest.mark.parametrize(("model", "good", "bad"), MISTAKES, ids=[model for model, _, _ in MISTAKES])
def test_a_mistake_in_a_model_is_found(
    shared_warehouse: Warehouse,
    models: list[Model],
    random_loans: tuple[list[Book], Tables],
    model: str,
    good: str,
    bad: str,
) -> None:
    with (
        engine(shared_warehouse.owner_url, broken(models, model, good, bad)) as mistaken,
        pytest.raises((FactsDiffer, MartsDiffer, RuleBroken)),
    ):
        hold(mistaken, *random_loans)
