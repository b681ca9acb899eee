-- When a loan was missing from its lender's snapshots: from the first snapshot that misses it until the one that lists
-- it again (null: still missing). A later snapshot than the newest does not exist, so nothing is claimed beyond it.
with

listings as (
    select
        loans.lender,
        loans.loan_id,
        deliveries.business_date
    from {{ source('raw', 'loan') }} as loans
    inner join {{ ref('stg_delivery') }} as deliveries on loans.delivery_id = deliveries.delivery_id
    inner join {{ source('ops', 'lender_entity') }} as entities
        on loans.lender = entities.lender and entities.entity = 'loan' and entities.mode = 'snapshot'
    group by loans.lender, loans.loan_id, deliveries.business_date
),

snapshots as (
    select
        lender,
        business_date,
        lead(business_date) over (partition by lender order by business_date) as next_snapshot_on
    from (select lender, business_date from listings group by lender, business_date) as days
),

followed as (
    select
        listings.lender,
        listings.loan_id,
        snapshots.next_snapshot_on,
        lead(listings.business_date) over (
            partition by listings.lender, listings.loan_id order by listings.business_date
        ) as next_listed_on
    from listings
    inner join snapshots
        on listings.lender = snapshots.lender and listings.business_date = snapshots.business_date
    {%- if not execute or goes_on() %}
    inner join {{ ref('stg_touched_loan') }} as touched_loans
        on listings.lender = touched_loans.lender and listings.loan_id = touched_loans.loan_id
    {%- endif %}
)

select
    lender,
    loan_id,
    next_snapshot_on as missing_from,
    next_listed_on as listed_again_on
from followed
where next_snapshot_on is not null and (next_listed_on is null or next_listed_on > next_snapshot_on)
