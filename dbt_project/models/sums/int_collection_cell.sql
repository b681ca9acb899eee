-- Months of which a build recomputes the performance of collections: one of their actions, or what came of it, has
-- changed.
select
    lender,
    month_end
from {{ changed('int_action_outcome') }} as actions
group by lender, month_end
