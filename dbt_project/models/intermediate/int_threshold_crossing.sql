{{ config(meta={'tracks_changes': true}) }}
-- The first day on which each loan in the book is past each threshold of days past due, and its balance on that day.
-- Found as the first day at or above it, never by equality: a payment undone today may take a loan from 0 past 30. A
-- crossing that is still to come is here as it will be if nothing happens: who asks, asks up to data_as_of.
with

overdue as (
    select *
    from {{ touched('int_loan_state') }}
    where not is_terminal and overdue_amount > 0
),

reached as (
    select
        overdue.lender,
        overdue.loan_id,
        thresholds.threshold_dpd,
        overdue.valid_from,
        overdue.valid_to,
        overdue.outstanding_principal,
        {{ first_day_at_dpd('overdue', 'thresholds.min_dpd') }} as reached_on
    from overdue
    inner join {{ ref('overdue_thresholds') }} as thresholds on overdue.scheme = thresholds.scheme
),

past as (
    select
        lender,
        loan_id,
        threshold_dpd,
        greatest(reached_on, valid_from) as crossed_on,
        outstanding_principal
    from reached
    where reached_on < coalesce(valid_to, {{ last_day_ever() }})
)

{{ newest_per_key(
    'past', ['lender', 'loan_id', 'threshold_dpd'], 'crossed_on',
    ['lender', 'loan_id', 'threshold_dpd', 'crossed_on', 'outstanding_principal']
) }}
