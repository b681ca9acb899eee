-- Vector B of the definitions, and its neighbours: due on 1 April and nothing paid. By the months of MBA the loan is 30
-- days past due on 30 April and 60 on 31 May; by those of OTS it is current on 30 April and 30 days past due on 31 May.
-- By calendar days and by the year of 360 days, with the due day as day 0 or as day 1. A month-end due date stays
-- anchored to its month.
{%- set cases = [
    ('mba', 0, '2024-04-01', '2024-04-29', 0),
    ('mba', 0, '2024-04-01', '2024-04-30', 30),
    ('mba', 0, '2024-04-01', '2024-05-30', 30),
    ('mba', 0, '2024-04-01', '2024-05-31', 60),
    ('ots', 0, '2024-04-01', '2024-04-30', 0),
    ('ots', 0, '2024-04-01', '2024-05-01', 30),
    ('ots', 0, '2024-04-01', '2024-05-31', 30),
    ('ots', 0, '2024-04-01', '2024-06-01', 60),
    ('ots', 0, '2024-01-31', '2024-02-28', 0),
    ('ots', 0, '2024-01-31', '2024-02-29', 30),
    ('ots', 0, '2024-01-31', '2024-03-30', 30),
    ('ots', 0, '2024-01-31', '2024-03-31', 60),
    ('mba', 0, '2024-01-31', '2024-02-27', 0),
    ('mba', 0, '2024-01-31', '2024-02-28', 30),
    ('days', 0, '2024-04-01', '2024-04-01', 0),
    ('days', 1, '2024-04-01', '2024-04-01', 1),
    ('days', 0, '2024-04-01', '2024-05-31', 60),
    ('30_360', 0, '2024-04-01', '2024-05-31', 59),
    ('30_360', 1, '2024-04-01', '2024-05-31', 60),
    ('30_360', 0, '2024-01-31', '2024-02-29', 29),
    ('30_360', 0, '2024-01-31', '2024-03-01', 31),
    ('30_360', 0, '2023-12-31', '2024-12-31', 360),
] %}
with

given as (
    {% for day_count, first_day, due_on, day, expected in cases -%}
    select
        '{{ day_count }}' as day_count,
        {{ first_day }} as first_day,
        cast('{{ due_on }}' as date) as due_on,
        cast('{{ day }}' as date) as day,
        {{ expected }} as expected
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

counted as (
    select
        *,
        {{ days_counted('due_on', 'day', 'first_day', 'day_count') }} as found
    from given
)

select * from counted where found is distinct from expected
