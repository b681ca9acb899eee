-- What came for each lender and business date: the delivery that the build is made from, or, where there is none, the
-- last one that was refused by the time the build began; with its counts and what the delivery gate found. One that
-- waits for its gate is not on record yet.
{%- set build_id = this_build()['build_id'] %}
with

accepted as (
    select delivery_id, lender, business_date, received_at, 'accepted' as delivery_status
    from {{ ref('stg_delivery') }}
),

refused as (
    select
        deliveries.delivery_id,
        deliveries.lender,
        deliveries.business_date,
        deliveries.received_at,
        'refused' as delivery_status,
        row_number() over (
            partition by deliveries.lender, deliveries.business_date order by deliveries.version desc
        ) as newest_first
    from {{ source('ops', 'delivery') }} as deliveries
    {% if not execute or build_id is not none -%}
    inner join {{ source('ops', 'build') }} as builds
        on builds.build_id = {{ build_id | int }} and deliveries.decided_at <= builds.started_at
    {% endif -%}
    where deliveries.status = 'refused' and deliveries.business_date <= {{ business_date() }}
),

standing as (
    select delivery_id, lender, business_date, received_at, delivery_status from accepted
    union all
    select
        refused.delivery_id, refused.lender, refused.business_date, refused.received_at, refused.delivery_status
    from refused
    left join accepted
        on refused.lender = accepted.lender and refused.business_date = accepted.business_date
    where refused.newest_first = 1 and accepted.delivery_id is null
),

files as (
    select delivery_id, count(*) as files from {{ source('ops', 'delivery_file') }} group by delivery_id
),

gate_runs as (
    select delivery_id, max(gate_run_id) as gate_run_id
    from {{ source('ops', 'gate_run') }}
    where boundary = 'delivery'
    group by delivery_id
),

gate_results as (
    select
        gate_run_id,
        count(*) as evaluated,
        sum(case when success then 0 else 1 end) as failed
    from {{ source('ops', 'gate_result') }}
    group by gate_run_id
)

select
    standing.lender,
    standing.business_date,
    standing.delivery_id,
    standing.delivery_status,
    standing.received_at,
    deliveries.rows_in_files,
    deliveries.rows_accepted,
    deliveries.rows_rejected,
    coalesce(files.files, 0) as files,
    coalesce(gate_results.evaluated, 0) as expectations_evaluated,
    coalesce(gate_results.failed, 0) as expectations_failed
from standing
inner join {{ source('ops', 'delivery') }} as deliveries on standing.delivery_id = deliveries.delivery_id
left join files on standing.delivery_id = files.delivery_id
left join gate_runs on standing.delivery_id = gate_runs.delivery_id
left join gate_results on gate_runs.gate_run_id = gate_results.gate_run_id
