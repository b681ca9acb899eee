-- Steps from month-end to month-end of which a build recomputes the roll rates: a loan's month at either end has
-- changed. A step that is new has new months at its end.
with

changed_months as (
    select lender, product, month_end
    from {{ changed('fct_loan_month') }} as months
    group by lender, product, month_end
)

select
    lender,
    product,
    month_end as from_month_end,
    {{ month_end(add_months('month_end', 1)) }} as to_month_end
from changed_months
union
select
    lender,
    product,
    {{ month_end(add_months('month_end', -1)) }} as from_month_end,
    month_end as to_month_end
from changed_months
