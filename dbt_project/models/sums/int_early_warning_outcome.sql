{{ config(meta={
    'recomputed': 'int_closing_loan', 'recomputed_in': 'intermediate',
    'recomputed_after': {'month_end': 'months_after'}, 'tracks_changes': true
}) }}
-- What a warning at a month-end would have been right about: the month-ends after which a loan of the book fell past 30
-- within the horizon of the backtest. One that is still to come is here as it will be if nothing happens: who asks,
-- asks about horizons that are over.
with

month_ends as (
    select date as month_end from {{ ref('int_calendar') }} where is_month_end
),

past_30 as (
    select scheme, min_dpd from {{ ref('overdue_thresholds') }} where threshold_dpd = 30
),

-- a clock only runs forward: within an interval a loan passes 30 and stays past it
past_stretches as (
    select lender, loan_id, greatest(reached_on, valid_from) as past_from
    from (
        select
            states.lender,
            states.loan_id,
            states.valid_from,
            states.valid_to,
            {{ first_day_at_dpd('states', 'past_30.min_dpd') }} as reached_on
        from {{ touched('int_loan_state', 'int_closing_loan') }} as states
        inner join past_30 on states.scheme = past_30.scheme
        where not states.is_terminal and (states.clock_from is not null or states.dpd_fixed > 0)
    ) as on_the_clock
    where reached_on < coalesce(valid_to, {{ last_day_ever() }})
)

select
    past_stretches.lender,
    past_stretches.loan_id,
    month_ends.month_end
from past_stretches
inner join {{ ref('int_lender') }} as lenders on past_stretches.lender = lenders.lender
inner join month_ends
    on
        past_stretches.past_from > month_ends.month_end
        and past_stretches.past_from <= {{ add_days('month_ends.month_end', warning_horizon_days()) }}
        and lenders.data_as_of >= month_ends.month_end
{%- if not execute or goes_on() %}
inner join {{ ref('int_closing_loan') }} as closing_loans
    on
        past_stretches.lender = closing_loans.lender
        and past_stretches.loan_id = closing_loans.loan_id
        and (closing_loans.months_after is null or month_ends.month_end > closing_loans.months_after)
{%- endif %}
group by past_stretches.lender, past_stretches.loan_id, month_ends.month_end
