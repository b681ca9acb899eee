-- Every day on which a loan in the book fell into a worse bucket than it was in the day before. A loan that enters the
-- book overdue, or comes back from settled, fell from no bucket of the book and is no entry.
with

buckets as (
    select scheme, bucket, sort_order, min_dpd from {{ ref('dpd_buckets') }} where not is_terminal
),

segments as (
    select
        segments.lender,
        segments.loan_id,
        segments.product,
        segments.bucket,
        buckets.sort_order,
        buckets.min_dpd,
        segments.starts_on,
        segments.ends_on,
        segments.overdue_principal
    from {{ touched('int_bucket_segment') }} as segments
    inner join buckets on segments.scheme = buckets.scheme and segments.bucket = buckets.bucket
)

select
    fallen.lender,
    fallen.loan_id,
    fallen.bucket,
    fallen.starts_on as entered_on,
    {{ month_end('fallen.starts_on') }} as entry_month,
    row_number() over (
        partition by fallen.lender, fallen.loan_id, fallen.bucket, {{ month_end('fallen.starts_on') }}
        order by fallen.starts_on
    ) = 1 as is_first_of_month,
    fallen.product,
    fallen.overdue_principal
from segments as fallen
inner join segments as earlier
    on
        fallen.lender = earlier.lender
        and fallen.loan_id = earlier.loan_id
        and fallen.starts_on = earlier.ends_on
        and fallen.sort_order > earlier.sort_order
where fallen.min_dpd > 0
