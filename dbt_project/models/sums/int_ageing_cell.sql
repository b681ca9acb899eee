-- Quarter-ends of which a build recomputes a lender's ageing: a loan's month has changed.
select
    months.lender,
    months.month_end as quarter_end
from {{ changed('fct_loan_month') }} as months
where months.month_end = {{ quarter_end('months.month_end') }}
group by months.lender, months.month_end
