{{ config(meta={'tracks_changes': true}) }}
-- The life of every loan in the book, cut where its state, its amounts or its bucket changes: [starts_on, ends_on).
-- The last state is carried on as it would be if nothing happened: a loan overdue has segments in buckets that it has
-- yet to reach. So a day that passes changes no row; who asks, asks up to data_as_of.
with

states as (
    select
        states.*,
        loans.product,
        coalesce(states.valid_to, {{ last_day_ever() }}) as valid_until
    from {{ touched('int_loan_state') }} as states
    inner join {{ touched('int_loan') }} as loans
        on states.lender = loans.lender and states.loan_id = loans.loan_id
    where not states.is_terminal
),

buckets as (
    select scheme, bucket, min_dpd, max_dpd from {{ ref('dpd_buckets') }} where not is_terminal
),

-- the days on which the clock reaches each bucket; grace moves them, never the raw days past due
reached as (
    select
        states.*,
        buckets.bucket,
        case
            when buckets.min_dpd = 0 then states.valid_from
            else {{ first_day_at_dpd('states', '(buckets.min_dpd + states.grace_days)') }}
        end as reached_on,
        {{ first_day_at_dpd('states', '(buckets.max_dpd + 1 + states.grace_days)') }} as passed_on
    from states
    inner join buckets
        on
            states.scheme = buckets.scheme
            and (buckets.min_dpd = 0 or states.clock_from is not null or states.dpd_fixed > 0)
),

segments as (
    select
        *,
        greatest(valid_from, reached_on) as starts_on,
        least(valid_until, coalesce(passed_on, valid_until)) as ends_on
    from reached
    where reached_on is not null
)

select
    lender,
    loan_id,
    product,
    scheme,
    bucket,
    starts_on,
    nullif(ends_on, {{ last_day_ever() }}) as ends_on,
    outstanding_principal,
    overdue_principal,
    overdue_amount
from segments
where starts_on < ends_on
