{#- What every staging model of a canonical entity does: take the rows of accepted deliveries up to the business date
    and keep, for every key, the row that counts.

    That is the newest: by the time of the change where rows are changes, so that one that arrives late for the past does
    not undo a later one; else by business date. A key deleted by a change is gone. Where an entity's `first_stands`, what
    is appended was said once: a later row under the same key is the same again, or a conflict.

    A row that says again what the row before it said is not news: what stands is the row that said it first, with the
    delivery, file and line that it came from. So a lender that sends everything every day changes nothing by it. A row
    that a snapshot left out in between is said anew when it comes back.

    A snapshot of an entity that is `of_loan` says everything about a loan each time, so a row missing from the newest one
    was withdrawn. A loan that itself vanished keeps what was said before the snapshot that misses it: otherwise its past
    would change on the day it vanished.

    Running totals are no rows of their own: they are left out, and the model takes their differences.

    `of_news` are further columns by their expressions, which see all that was ever said under the keys that stand.

    A build that goes on from the one before looks at the keys in `touched_by` only. -#}
{% macro newest_rows(name, touched_by='stg_touched_loan', touched_key=['lender', 'loan_id'], of_news={}) -%}
{%- if not execute or goes_on() %}{% set touched_keys = ref(touched_by) %}{% endif -%}
{%- set key = ['lender'] + entity(name)['key'] %}
{%- set columns = entity(name)['columns'] %}
{%- set origin = ['business_date', 'delivery_id', 'file_id', 'line_no'] %}
{%- set newest_first = 'changed_at desc nulls last, business_date desc, delivery_id desc, file_id desc, line_no desc' -%}
{%- set appended_first -%}
    {%- for column in ['business_date', 'delivery_id', 'file_id', 'line_no'] %}case when mode = 'append' then {{ column }} end, {% endfor -%}
{%- endset -%}
with

deliveries as (
    select delivery_id from {{ ref('stg_delivery') }}
),

modes as (
    select lender, mode, is_cumulative from {{ source('ops', 'lender_entity') }} where entity = '{{ name }}'
),

received as (
    select
        rows_sent.lender, rows_sent.business_date, rows_sent.delivery_id, rows_sent.file_id, rows_sent.line_no,
        rows_sent.change_op, rows_sent.changed_at, modes.mode, snapshots.snapshot_no, snapshots.next_snapshot_on,
        {% for column in columns %}rows_sent.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source('raw', name) }} as rows_sent
    inner join deliveries on rows_sent.delivery_id = deliveries.delivery_id
    left join modes on rows_sent.lender = modes.lender
    left join {{ ref('stg_snapshot') }} as snapshots
        on
            rows_sent.lender = snapshots.lender
            and rows_sent.business_date = snapshots.business_date
            and snapshots.entity = '{{ name }}'
    {% if goes_on() -%}
    inner join {{ touched_keys }} as touched_keys
        on {% for column in touched_key %}rows_sent.{{ column }} = touched_keys.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    {% endif -%}
    where modes.is_cumulative is not true
),

{% if entity(name)['of_loan'] -%}
absences as (
    select lender, loan_id, missing_from from {{ ref('stg_loan_absence') }} where listed_again_on is null
),

current_rows as (
    select
        received.*,
        case when next_snapshot_on < coalesce(absences.missing_from, {{ last_day_ever() }}) then 0 else 1 end
            as is_not_left_out
    from received
    left join absences
        on
            received.mode = 'snapshot'
            and received.lender = absences.lender
            and received.loan_id = absences.loan_id
    where absences.missing_from is null or received.business_date < absences.missing_from
),
{%- else -%}
current_rows as (
    select * from received
),
{%- endif %}

compared as (
    select
        current_rows.*,
        {% if entity(name)['of_loan'] %}max(is_not_left_out) over (partition by {{ key | join(', ') }}){% else %}1{% endif %} as stands,
        case
            when mode = 'changes'{{ " or mode = 'append'" if entity(name)['first_stands'] }} then 1
            when lag(snapshot_no) over one_by_one < snapshot_no - 1 then 1
            when lag(line_no) over one_by_one is null then 1 -- the first; the rest of it may be all null
            {% for column in ['change_op'] + columns if column not in key -%}
            when ({{ column }} is distinct from lag({{ column }}) over one_by_one) then 1
            {% endfor -%}
            else 0
        end as is_news
    from current_rows
    window one_by_one as (
        partition by {{ key | join(', ') }} order by changed_at nulls first, business_date, delivery_id, file_id, line_no
    )
),

news as (
    select
        compared.*{% for column, expression in of_news.items() %},
        {{ expression }} as {{ column }}{% endfor %}
    from compared
    where is_news = 1 and stands = 1
),

newest as (
    {{ newest_per_key(
        'news', key,
        (appended_first if entity(name)['first_stands'] else '') ~ newest_first,
        ['lender', 'change_op', 'mode'] + origin + columns + (of_news | list)
    ) }}
)

select
    lender, {{ origin | join(', ') }},
    {{ (columns + (of_news | list)) | join(', ') }}
from newest
where change_op is null or change_op <> 'D'
{%- endmacro %}

{#- The rows of an entity by which `newer_deliveries` (a query of delivery_id, lender, business_date) say something else
    than what stands: those that say something new, and those that stand though a snapshot left them out. Read with the
    tables as the build before left them. What is a change or a running total counts as new unseen: its place among the
    others decides what it says.

    A loan that had vanished is back, whatever its row says; and what a snapshot says or leaves out does not touch one
    that is still missing. -#}
{% macro said_otherwise(name, columns) -%}
{%- set key = ['lender'] + entity(name)['key'] %}
{%- set standing = left_by_the_build_before('staging', 'stg_' ~ name) %}
{%- set absences = left_by_the_build_before('staging', 'stg_loan_absence') %}
{%- set leaves_out = name == 'loan' or entity(name)['of_loan'] %}
select {% for column in columns %}sent.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
from {{ source('raw', name) }} as sent
inner join newer_deliveries on sent.delivery_id = newer_deliveries.delivery_id
left join {{ source('ops', 'lender_entity') }} as entities
    on sent.lender = entities.lender and entities.entity = '{{ name }}'
left join {{ standing }} as standing
    on
        {% for column in key -%}
        sent.{{ column }} = standing.{{ column }}{{ ' and' if not loop.last }}
        {% endfor -%}
        {% for column in entity(name)['columns'] if column not in key -%}
        and sent.{{ column }} is not distinct from standing.{{ column }}
        {% endfor %}
{%- if name == 'loan' %}
left join {{ absences }} as absences
    on sent.lender = absences.lender and sent.loan_id = absences.loan_id and absences.listed_again_on is null
{%- endif %}
where
    standing.lender is null or entities.mode = 'changes' or entities.is_cumulative
    {{- ' or absences.lender is not null' if name == 'loan' }}
{%- if leaves_out %}
union all
select {% for column in columns %}standing.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
from {{ standing }} as standing
inner join newer_deliveries on standing.lender = newer_deliveries.lender
inner join {{ ref('stg_snapshot') }} as snapshots
    on
        newer_deliveries.lender = snapshots.lender
        and newer_deliveries.business_date = snapshots.business_date
        and snapshots.entity = '{{ name }}'
left join {{ source('raw', name) }} as sent
    on
        newer_deliveries.delivery_id = sent.delivery_id
        {% for column in key -%}
        and standing.{{ column }} = sent.{{ column }}
        {% endfor %}
left join {{ absences }} as absences
    on standing.lender = absences.lender and standing.loan_id = absences.loan_id and absences.listed_again_on is null
where sent.lender is null and absences.lender is null
{%- endif %}
{%- endmacro %}
