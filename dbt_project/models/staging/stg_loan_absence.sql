-- When a loan was missing from its lender's snapshots: from the first snapshot that misses it until the one that lists
-- it again (null: still missing).
with

listings as (
    select
        loans.lender,
        loans.loan_id,
        snapshots.business_date,
        snapshots.next_snapshot_on
    from {{ source('raw', 'loan') }} as loans
    inner join {{ ref('stg_delivery') }} as deliveries on loans.delivery_id = deliveries.delivery_id
    inner join {{ ref('stg_snapshot') }} as snapshots
        on
            loans.lender = snapshots.lender
            and loans.business_date = snapshots.business_date
            and snapshots.entity = 'loan'
    {%- if not execute or goes_on() %}
    inner join {{ ref('stg_touched_loan') }} as touched_loans
        on loans.lender = touched_loans.lender and loans.loan_id = touched_loans.loan_id
    {%- endif %}
    group by loans.lender, loans.loan_id, snapshots.business_date, snapshots.next_snapshot_on
),

followed as (
    select
        listings.*,
        lead(business_date) over (partition by lender, loan_id order by business_date) as next_listed_on
    from listings
)

select
    lender,
    loan_id,
    next_snapshot_on as missing_from,
    next_listed_on as listed_again_on
from followed
where next_snapshot_on is not null and (next_listed_on is null or next_listed_on > next_snapshot_on)
