-- Every lender and how fresh what is known of it is.
select
    lender,
    name_en,
    name_zh,
    currency,
    data_as_of,
    is_stale,
    days_stale,
    days_missing
from dim_lender
order by lender
