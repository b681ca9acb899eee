{{ config(meta={
    'recomputed': 'int_closing_loan', 'recomputed_in': 'intermediate',
    'recomputed_after': {'month_end': 'months_after'}, 'tracks_changes': true
}) }}
-- Every loan at every month-end of the calendar while it is in the book, and the first month-end after it has left.
with

month_ends as (
    select date as month_end from {{ ref('int_calendar') }} where is_month_end
),

intervals as (
    select
        states.*,
        loans.product,
        loans.disbursed_on,
        loans.restructured_on,
        -- the day on which the loan last left the book; null for one that never was in it
        max(case when not states.is_terminal then states.valid_to end) over (
            partition by states.lender, states.loan_id order by states.valid_from
            rows between unbounded preceding and current row
        ) as left_on,
        coalesce({{ add_days('states.valid_to', -1) }}, lenders.data_as_of) as valid_through
    from {{ touched('int_loan_state', 'int_closing_loan') }} as states
    inner join {{ touched('int_loan', 'int_closing_loan') }} as loans
        on states.lender = loans.lender and states.loan_id = loans.loan_id
    inner join {{ ref('int_lender') }} as lenders on states.lender = lenders.lender
),

-- a clock only runs forward, so an interval peaks on its last day
peaks as (
    select
        *,
        max({{ dpd_on('intervals.valid_through', 'intervals') }}) over (
            partition by lender, loan_id order by valid_from
            rows between unbounded preceding and 1 preceding
        ) as peak_before
    from intervals
),

at_month_end as (
    select
        peaks.*,
        month_ends.month_end,
        {{ dpd_on('month_ends.month_end', 'peaks') }} as dpd,
        {{ dpd_on('month_ends.month_end', 'peaks', 'contractual_') }} as contractual_dpd
    from peaks
    inner join month_ends
        on peaks.valid_from <= month_ends.month_end and peaks.valid_through >= month_ends.month_end
    where
        {{ month_end('peaks.valid_from') }} <= peaks.valid_through
        and (not peaks.is_terminal or month_ends.month_end = {{ month_end('peaks.left_on') }})
)

select
    at_month_end.lender,
    at_month_end.loan_id,
    at_month_end.month_end,
    at_month_end.product,
    {{ months_between('at_month_end.disbursed_on', 'at_month_end.month_end') }} as mob,
    at_month_end.state,
    case when at_month_end.is_terminal then at_month_end.state else buckets.bucket end as bucket,
    at_month_end.dpd,
    at_month_end.contractual_dpd,
    at_month_end.outstanding_principal,
    at_month_end.overdue_principal,
    at_month_end.overdue_amount,
    greatest(at_month_end.dpd, coalesce(at_month_end.peak_before, 0)) as max_dpd_to_date,
    coalesce(at_month_end.restructured_on <= at_month_end.month_end, false) as is_restructured
from at_month_end
left join {{ ref('dpd_buckets') }} as buckets
    on
        {{ is_in_bucket('at_month_end', 'buckets') }}
{%- if not execute or goes_on() %}
inner join {{ ref('int_closing_loan') }} as closing_loans
    on at_month_end.lender = closing_loans.lender and at_month_end.loan_id = closing_loans.loan_id
where closing_loans.months_after is null or at_month_end.month_end > closing_loans.months_after
{%- endif %}
