"""What only one engine understands is refused in a model, and nothing else is."""

from __future__ import annotations

import re
import sys

import pytest

from arrears.settings import SOURCE_ROOT

sys.path.insert(0, str(SOURCE_ROOT / "scripts"))
from layering import ENGINE_BOUND, engine_bound

BOUND = {what: re.compile(pattern, re.I) for what, pattern in ENGINE_BOUND.items()}
REFUSED = {
    "select amount::numeric from payments": "a cast spelled ::",
    "select distinct on (loan_id) * from loans": "distinct on",
    "select * from generate_series(1, 3) as series": "a set-returning function",
    "select day + interval '1 month' from days": "an interval",
    "select extract(epoch from sent_at) from deliveries": "extract(epoch)",
    "select datediff(due_on, paid_on) from payments": "a function of one engine",
    "select collect_list(kind) from payments": "a function of one engine",
    "select payload -> 'amount' from payments": "a field of JSON",
    "select acted_at at time zone 'UTC' from actions": "a time zone",
    "cross join lateral (select 1) as one": "a lateral join",
    "where name ~ '^a'": "a pattern",
    "select array['a']": "an array",
    'select "date" from days': "a quoted name",
    "select ctid from loans": "a place of a row",
    "where due_on < current_date": "the clock",
    "select cast(amount as numeric) from payments": "a number without digits",
    "select cast(dpd as text) from loans": "a type of one engine",
    "on loans.product <=> others.product": "Spark's <=>",
    "select sum(overdue) / sum(outstanding) from loans": "a quotient without the macro for it",
    "select overdue/outstanding from loans": "a quotient without the macro for it",
    "select sum(amount) over life - amount": "arithmetic after a named window",
}


@pytest.mark.parametrize("model", REFUSED)
def test_what_one_engine_alone_understands_is_refused(model: str) -> None:
    assert list(engine_bound(f"with\n\n{model}\n", BOUND)) == [f":3: {REFUSED[model]} is of one engine"]


@pytest.mark.parametrize("model", REFUSED)
def test_so_is_what_a_macro_is_given(model: str) -> None:
    """A model's SQL is its own in quotes, too."""
    given = model.replace("'", "\\'")
    refused = [f":3: {REFUSED[model]} is of one engine"]
    assert list(engine_bound(f"select\n{{{{ money(\n'{given}'\n) }}}} as amount\n", BOUND)) == refused
    assert list(engine_bound(f"select\n{{% set amount =\n'{given}' %}}\n", BOUND)) == refused


def test_a_line_may_end_within() -> None:
    assert list(engine_bound("select distinct\non (loan_id) *", BOUND)) == [":1: distinct on is of one engine"]
    assert list(engine_bound("select a /\nb", BOUND)) == [":1: a quotient without the macro for it is of one engine"]


def test_every_rule_has_an_example() -> None:
    assert set(REFUSED.values()) == set(ENGINE_BOUND)


def test_macros_comments_and_plain_sql_pass() -> None:
    model = """
    -- now() and "quoted" are said, not asked
    select
        {{ add_days('due_on', "1") }} as next_on,
        {{ money("case when kind = 'fee' then amount end") }} as fees,
        {{ ratio or '' }}{% if '' ~ "" %}{% endif %}
        cast(sum(amount) as numeric(18, 2)) as amount,
        {# a::b #} product is distinct from 'a' as is_other
    from {{ ref('fct_payment') }}
    """
    assert list(engine_bound(model, BOUND)) == []
