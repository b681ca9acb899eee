-- Vector D of the definitions: a month-end is anchored to its month, never "a month added to the last date".
with

given as (
    select cast('2020-01-31' as date) as anchor, 1 as months, cast('2020-02-29' as date) as expected
    union all
    select cast('2021-01-31' as date) as anchor, 1 as months, cast('2021-02-28' as date) as expected
    union all
    select cast('2020-01-31' as date) as anchor, 2 as months, cast('2020-03-31' as date) as expected
    union all
    select cast('2020-02-29' as date) as anchor, -12 as months, cast('2019-02-28' as date) as expected
)

select * from given where {{ month_end(add_months('anchor', 'months')) }} <> expected
