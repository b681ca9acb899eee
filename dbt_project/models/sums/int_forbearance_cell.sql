-- Months of relief of which a build recomputes how it went: a grant or what became of it has changed, or a day has
-- passed on which something about it is told.
{%- set months_after = forbearance_horizons() %}
with

days as (
    select lender, kind, granted_month, granted_on as told_on, true as is_changed
    from {{ changed('int_forbearance') }} as followed
    union all
    select lender, kind, granted_month, granted_on as told_on, false as is_changed
    from {{ standing('int_forbearance') }} as followed
    union all
    select lender, kind, granted_month, redefaulted_on as told_on, false as is_changed
    from {{ standing('int_forbearance') }} as followed
    {% for months in months_after -%}
    union all
    select
        lender,
        kind,
        granted_month,
        {{ month_end(add_months('granted_month', months)) }} as told_on,
        false as is_changed
    from {{ standing('int_forbearance') }} as followed
    {% endfor %}
)

select
    days.lender,
    days.kind,
    days.granted_month
from days
inner join {{ ref('int_passage') }} as passage
    on
        days.lender = passage.lender
        and days.told_on <= passage.passed_until
        and (days.is_changed or days.told_on > passage.passed_from)
group by days.lender, days.kind, days.granted_month
