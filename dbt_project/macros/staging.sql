{#- What every staging model of a canonical entity does: take the rows of accepted deliveries up to the business date
    and keep, for every key, the row that counts.

    That is the newest: by the time of the change where rows are changes, so that one that arrives late for the past does
    not undo a later one; else by business date. A key deleted by a change is gone. With `first_stands`, what is
    appended was said once and stands: a later row under the same key is the same again, or a conflict.

    An entity delivered as a `snapshot` and `of_loan` says everything about a loan each time, so a row missing from the
    newest snapshot was withdrawn. A loan that itself vanished keeps the rows of the last snapshot that listed it:
    otherwise its past would change on the day it vanished.

    Running totals are no rows of their own: they are left out, and the model takes their differences.

    A build that goes on from the one before looks at the keys in `touched_by` only. -#}
{% macro newest_rows(entity, key, columns, of_loan=false, first_stands=false, touched_by='stg_touched_loan', touched_key=['lender', 'loan_id']) -%}
{%- if not execute or goes_on() %}{% set touched_keys = ref(touched_by) %}{% endif -%}
{%- set newest_first = 'changed_at desc nulls last, business_date desc, delivery_id desc, line_no desc' -%}
{%- set appended_first -%}
    {%- for column in ['business_date', 'delivery_id', 'line_no'] %}case when mode = 'append' then {{ column }} end, {% endfor -%}
{%- endset -%}
with

deliveries as (
    select delivery_id from {{ ref('stg_delivery') }}
),

modes as (
    select lender, mode, is_cumulative from {{ source('ops', 'lender_entity') }} where entity = '{{ entity }}'
),

received as (
    select
        rows_sent.lender, rows_sent.business_date, rows_sent.delivery_id, rows_sent.file_id, rows_sent.line_no,
        rows_sent.change_op, rows_sent.changed_at, modes.mode,
        {% for column in columns %}rows_sent.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source('raw', entity) }} as rows_sent
    inner join deliveries on rows_sent.delivery_id = deliveries.delivery_id
    left join modes on rows_sent.lender = modes.lender
    {% if goes_on() -%}
    inner join {{ touched_keys }} as touched_keys
        on {% for column in touched_key %}rows_sent.{{ column }} = touched_keys.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    {% endif -%}
    where modes.is_cumulative is not true
),

{% if of_loan -%}
snapshot_dates as (
    select rows_sent.lender, rows_sent.business_date
    from {{ source('raw', entity) }} as rows_sent
    inner join deliveries on rows_sent.delivery_id = deliveries.delivery_id
    inner join modes on rows_sent.lender = modes.lender and modes.mode = 'snapshot'
    group by rows_sent.lender, rows_sent.business_date
),

last_listings as (
    select lender, last_listed_on from {{ ref('stg_loan') }} where last_listed_on is not null
    group by lender, last_listed_on
    union
    select lender, {{ business_date() }} as last_listed_on from snapshot_dates
),

-- the snapshot of this entity that speaks last about loans last listed on a date
last_snapshots as (
    select
        last_listings.lender,
        last_listings.last_listed_on,
        max(snapshot_dates.business_date) as business_date
    from last_listings
    inner join snapshot_dates
        on last_listings.lender = snapshot_dates.lender and last_listings.last_listed_on >= snapshot_dates.business_date
    group by last_listings.lender, last_listings.last_listed_on
),

current_rows as (
    select received.*
    from received
    left join {{ ref('stg_loan') }} as loans
        on received.lender = loans.lender and received.loan_id = loans.loan_id and received.mode = 'snapshot'
    left join last_snapshots
        on
            received.lender = last_snapshots.lender
            and coalesce(loans.last_listed_on, {{ business_date() }}) = last_snapshots.last_listed_on
    where received.mode is null or received.mode <> 'snapshot' or received.business_date = last_snapshots.business_date
),
{%- else -%}
current_rows as (
    select * from received
),
{%- endif %}

newest as (
    {{ newest_per_key(
        'current_rows', key,
        (appended_first if first_stands else '') ~ newest_first,
        ['lender', 'business_date', 'delivery_id', 'file_id', 'line_no', 'change_op', 'mode'] + columns
    ) }}
)

select
    lender, business_date, delivery_id, file_id, line_no,
    {{ columns | join(', ') }}
from newest
where change_op is null or change_op <> 'D'
{%- endmacro %}
