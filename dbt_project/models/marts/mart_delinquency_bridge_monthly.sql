{{ config(materialized='cells', meta={
    'cells': 'int_bridge_cell', 'cell': ['lender', 'product'], 'cell_from': 'month_end'
}) }}
-- From each month's opening to its closing balance of loans more than 30 days past due, by what became of them. What a
-- loan takes out of the balance, or brings into it, stands under one name each, so the bridge ties loan by loan.
{%- set columns = ['opening_30', 'rolled_in', 'cured', 'paid_down', 'written_off', 'other', 'closing_30'] %}
with

-- what "more than 30 days past due" means is a row of the scheme in force on the day
past_30 as (
    select
        conventions.lender,
        conventions.product,
        conventions.in_force_from,
        conventions.in_force_until,
        thresholds.min_dpd
    from {{ ref('int_convention') }} as conventions
    inner join {{ ref('overdue_thresholds') }} as thresholds
        on conventions.scheme = thresholds.scheme and thresholds.threshold_dpd = 30
),

stock as (
    select
        months.lender,
        months.loan_id,
        months.product,
        months.month_end,
        {{ month_end(add_months('months.month_end', 1)) }} as next_month_end,
        months.outstanding_principal
    from {{ in_cells(
        'fct_loan_month', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'},
        since={'month_end': 'opens_on'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join past_30
        on
            months.lender = past_30.lender
            and months.product = past_30.product
            and months.month_end >= past_30.in_force_from
            and months.month_end < past_30.in_force_until
            and months.dpd >= past_30.min_dpd
),

-- principal that was waived, which nobody paid
waivers as (
    select flows.lender, flows.loan_id, flows.month_end, flows.amount as waived
    from {{ in_cells(
        'int_balance_flow', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'},
        since={'month_end': 'month_end'}
    ) }} as flows
    where flows.flow = 'waived'
),

-- spells that ended, but not by payment: such an end is no cure
other_ends as (
    select
        lender,
        loan_id,
        entered_on,
        {{ month_end('exited_on') }} as month_end
    from {{ ref('fct_delinquency_spell') }}
    where exited_on is not null and exit_reason <> 'paid'
),

-- every loan of an opening balance, and where it is a month later; a contract that is as late as ever is no cure either
followed as (
    select
        stock.lender,
        stock.product,
        stock.next_month_end as month_end,
        stock.outstanding_principal as opening,
        coalesce(closed.outstanding_principal, 0) as closing,
        case
            when stock.outstanding_principal > coalesce(closed.outstanding_principal, 0)
                then least(
                    coalesce(waivers.waived, 0), stock.outstanding_principal - coalesce(closed.outstanding_principal, 0)
                )
            else 0
        end as waived,
        case
            when closed.state in ('written_off', 'settled') then closed.state
            when states.is_terminal or closed.state is null then 'gone'
            when closed.dpd >= past_30.min_dpd then 'stayed'
            when closed.contractual_dpd >= past_30.min_dpd or other_ends.loan_id is not null then 'left'
            else 'cured'
        end as outcome
    from stock
    inner join {{ ref('int_lender') }} as lenders
        on stock.lender = lenders.lender and stock.next_month_end <= lenders.data_as_of
    left join {{ in_cells(
        'fct_loan_month', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'},
        since={'month_end': 'month_end'}
    ) }} as closed
        on
            stock.lender = closed.lender
            and stock.loan_id = closed.loan_id
            and stock.next_month_end = closed.month_end
    left join {{ ref('loan_states') }} as states on closed.state = states.state
    left join past_30
        on
            stock.lender = past_30.lender
            and stock.product = past_30.product
            and stock.next_month_end >= past_30.in_force_from
            and stock.next_month_end < past_30.in_force_until
    left join waivers
        on
            stock.lender = waivers.lender
            and stock.loan_id = waivers.loan_id
            and stock.next_month_end = waivers.month_end
    left join other_ends
        on
            stock.lender = other_ends.lender
            and stock.loan_id = other_ends.loan_id
            and stock.next_month_end = other_ends.month_end
            and stock.month_end >= other_ends.entered_on
),

closings as (
    select
        lender,
        product,
        month_end,
        outstanding_principal,
        coalesce(
            lag(next_month_end) over (partition by lender, loan_id order by month_end) = month_end, false
        ) as was_in_before
    from stock
),

-- every month from the first of the product's book on, also one in which nothing moved
months as (
    select
        books.lender,
        books.product,
        calendar.date as month_end
    from (
        select lender, product, min(month_end) as first_month_end
        from {{ in_cells(
            'fct_loan_month', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'}
        ) }}
        group by lender, product
    ) as books
    inner join {{ ref('int_lender') }} as lenders on books.lender = lenders.lender
    inner join {{ ref('int_calendar') }} as calendar
        on
            calendar.is_month_end
            and books.first_month_end <= calendar.date
            and lenders.data_as_of >= calendar.date
),

-- A loan may owe less than it did, or (money returned, or a schedule of more than was lent, settled) more: what is less
-- and was not waived is paid down.
parts as (
    select
        lender, product, month_end, 0 as opening_30, 0 as rolled_in, 0 as cured, 0 as paid_down, 0 as written_off,
        0 as other, 0 as closing_30
    from months
    union all
    select
        lender, product, month_end, 0 as opening_30,
        case when was_in_before then 0 else outstanding_principal end as rolled_in,
        0 as cured, 0 as paid_down, 0 as written_off, 0 as other, outstanding_principal as closing_30
    from closings
    union all
    select
        lender, product, month_end, opening as opening_30, 0 as rolled_in,
        case when outcome = 'cured' then closing else 0 end as cured,
        case
            when outcome in ('stayed', 'cured', 'left', 'settled') then greatest(opening - closing - waived, 0)
            else 0
        end as paid_down,
        case when outcome = 'written_off' then opening else 0 end as written_off,
        case
            when outcome in ('stayed', 'cured', 'settled') then greatest(closing - opening, 0) - waived
            when outcome = 'left' then greatest(closing - opening, 0) - waived - closing
            when outcome = 'gone' then -opening
            else 0
        end as other,
        0 as closing_30
    from followed
)

select
    lender,
    product,
    month_end,
    {% for column in columns -%}
    {{ money('sum(' ~ column ~ ')') }} as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from parts
group by lender, product, month_end
