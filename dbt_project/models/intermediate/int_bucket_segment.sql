-- The life of every loan in the book, cut where its state, its amounts or its bucket changes: [starts_on, ends_on).
-- ends_on is null where the segment still holds at the lender's data_as_of.
with

states as (
    select
        states.lender,
        states.loan_id,
        loans.product,
        loans.scheme,
        loans.data_as_of,
        states.valid_from,
        coalesce(states.valid_to, {{ add_days('loans.data_as_of', 1) }}) as valid_until,
        states.outstanding_principal,
        states.overdue_principal,
        states.overdue_amount,
        -- the day on which the bucket clock stands at 0; grace moves it, never the raw days past due
        {{ add_days('states.oldest_unpaid_due_on', 'loans.grace_days - loans.first_day') }} as clock_zero_on
    from {{ ref('int_loan_state') }} as states
    inner join {{ ref('int_loan') }} as loans
        on states.lender = loans.lender and states.loan_id = loans.loan_id
    where not states.is_terminal
),

buckets as (
    select scheme, bucket, min_dpd, max_dpd from {{ ref('dpd_buckets') }} where not is_terminal
),

segments as (
    select
        states.lender,
        states.loan_id,
        states.product,
        states.scheme,
        buckets.bucket,
        case
            when buckets.min_dpd = 0 then states.valid_from
            else greatest(states.valid_from, {{ add_days('states.clock_zero_on', 'buckets.min_dpd') }})
        end as starts_on,
        least(
            states.valid_until,
            coalesce({{ add_days('states.clock_zero_on', 'buckets.max_dpd + 1') }}, states.valid_until)
        ) as ends_on,
        states.data_as_of,
        states.outstanding_principal,
        states.overdue_principal,
        states.overdue_amount
    from states
    inner join buckets
        on states.scheme = buckets.scheme and (states.clock_zero_on is not null or buckets.min_dpd = 0)
)

select
    lender,
    loan_id,
    product,
    scheme,
    bucket,
    starts_on,
    case when ends_on <= data_as_of then ends_on end as ends_on,
    outstanding_principal,
    overdue_principal,
    overdue_amount
from segments
where starts_on < ends_on
