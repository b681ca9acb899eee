{{ config(enabled=target.type == 'postgres') }}
-- A clock first shows a number of days on the day on which it shows at least that many, and not on the day before:
-- buckets and thresholds are entered by the one rule, days past due are counted by the other. Held against each other
-- for clocks that start around the ends of months, of a leap year and of another.
{%- set numbers = [1, 2, 29, 30, 31, 60, 61, 90, 91, 181] %}
with

starts as (
    select dates.date as clock_from
    from {{ ref('int_working_day') }} as dates
    where
        extract(year from dates.date) in (2023, 2024)
        and (extract(day from dates.date) >= 27 or extract(day from dates.date) <= 2)
),

counts as (
    {% for day_count, first_day in [('days', 0), ('days', 1), ('30_360', 0), ('30_360', 1), ('ots', 0), ('mba', 0)] -%}
    select
        '{{ day_count }}' as day_count,
        {{ first_day }} as first_day
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

clocks as (
    select
        starts.clock_from,
        starts.clock_from as valid_from,
        counts.day_count,
        counts.first_day,
        cast(null as integer) as dpd_fixed,
        cast(null as date) as clock_stopped_on
    from starts
    cross join counts
),

reached as (
    {% for number in numbers -%}
    select
        clocks.*,
        {{ number }} as dpd,
        {{ first_day_at_dpd('clocks', number) }} as first_day_at
    from clocks
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

shown as (
    select
        reached.*,
        {{ dpd_on('reached.first_day_at', 'reached') }} as shown_then,
        {{ dpd_on(add_days('reached.first_day_at', -1), 'reached') }} as shown_on_the_eve
    from reached
)

select * from shown where shown_then < dpd or shown_on_the_eve >= dpd
