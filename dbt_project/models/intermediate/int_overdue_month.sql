{{ config(meta={
    'recomputed': 'int_closing_loan', 'recomputed_in': 'intermediate',
    'recomputed_after': {'month_end': 'months_after'}, 'tracks_changes': true
}) }}
-- The month-ends at which a loan in the book has a day past due, with what else its kind of debt hangs on. A loan that
-- pays has no row here.
with

month_ends as (
    select date as month_end from {{ ref('int_calendar') }} where is_month_end
),

overdue as (
    select
        states.*,
        coalesce({{ add_days('states.valid_to', -1) }}, lenders.data_as_of) as valid_through
    from {{ touched('int_loan_state', 'int_closing_loan') }} as states
    inner join {{ ref('int_lender') }} as lenders on states.lender = lenders.lender
    where not states.is_terminal and states.overdue_amount > 0
),

at_month_end as (
    select
        overdue.lender,
        overdue.loan_id,
        month_ends.month_end,
        {{ dpd_on('month_ends.month_end', 'overdue') }} as dpd,
        overdue.default_dpd,
        overdue.paid_on_oldest
    from overdue
    inner join month_ends
        on overdue.valid_from <= month_ends.month_end and overdue.valid_through >= month_ends.month_end
    where {{ month_end('overdue.valid_from') }} <= overdue.valid_through
)

select
    at_month_end.lender,
    at_month_end.loan_id,
    at_month_end.month_end,
    at_month_end.dpd,
    at_month_end.default_dpd,
    at_month_end.paid_on_oldest
from at_month_end
{%- if not execute or goes_on() %}
inner join {{ ref('int_closing_loan') }} as closing_loans
    on at_month_end.lender = closing_loans.lender and at_month_end.loan_id = closing_loans.loan_id
{%- endif %}
where
    at_month_end.dpd > 0
    {%- if not execute or goes_on() %}
    and (closing_loans.months_after is null or at_month_end.month_end > closing_loans.months_after)
    {%- endif %}
