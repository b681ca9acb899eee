-- Every day on which a lender delivered or should have, from its first delivery to the business date, with what came.
with

records as (
    select * from {{ ref('stg_delivery_record') }}
),

first_days as (
    select lender, min(business_date) as first_on from records group by lender
),

span as (
    select min(first_on) as first_day, {{ business_date() }} as last_day from first_days
),

days as (
    {{ day_spine('span', 'span.first_day', 'span.last_day') }}
),

days_of_lenders as (
    select first_days.lender, days.date as business_date
    from first_days
    inner join {{ ref('stg_lender') }} as lenders on first_days.lender = lenders.lender
    inner join days on first_days.first_on <= days.date
    where lenders.calendar = 'daily' or days.date = {{ month_end('days.date') }}
    union
    -- what comes on a day on which nothing is expected has come all the same
    select lender, business_date from records
),

orphans as (
    select delivery_id, count(*) as orphan_rows from {{ ref('int_held_out') }} group by delivery_id
)

-- a delivery is due on the day after its business date
select
    days_of_lenders.lender,
    days_of_lenders.business_date,
    coalesce(records.delivery_status, 'missing') as delivery_status,
    records.received_at,
    {{ instant_of(add_days('days_of_lenders.business_date', 1), 'lenders.delivery_deadline', 'lenders.timezone') }}
        as due_at,
    coalesce(records.files, 0) as files,
    coalesce(records.rows_in_files, 0) as rows_in_files,
    coalesce(records.rows_accepted, 0) as rows_accepted,
    coalesce(records.rows_rejected, 0) as rows_rejected,
    coalesce(orphans.orphan_rows, 0) as orphan_rows,
    coalesce(records.expectations_evaluated, 0) as expectations_evaluated,
    coalesce(records.expectations_failed, 0) as expectations_failed
from days_of_lenders
inner join {{ ref('stg_lender') }} as lenders on days_of_lenders.lender = lenders.lender
left join records
    on days_of_lenders.lender = records.lender and days_of_lenders.business_date = records.business_date
left join orphans on records.delivery_id = orphans.delivery_id
