-- Month-ends of which a build recomputes what is long overdue: a loan there, or what came in from it, has changed, or
-- the twelve months after are over.
select months.lender, months.month_end
from {{ changed('int_long_overdue') }} as months
union
select months.lender, months.month_end
from {{ standing('int_long_overdue') }} as months
inner join {{ ref('int_passage') }} as passage
    on
        months.lender = passage.lender
        and months.followed_until > passage.passed_from
        and months.followed_until <= passage.passed_until
