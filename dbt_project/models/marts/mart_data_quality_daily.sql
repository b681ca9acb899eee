-- What came from each lender on each day, whether in time, and what was wrong with it.
select
    lender,
    business_date,
    cast(files as bigint) as files,
    cast(rows_in_files as bigint) as rows_in_files,
    cast(rows_accepted as bigint) as rows_accepted,
    cast(rows_rejected as bigint) as rows_rejected,
    cast(orphan_rows as bigint) as orphan_rows,
    delivery_status,
    received_at as delivered_at,
    case
        when received_at is not null
            then cast(greatest({{ hours_between('due_at', 'received_at') }}, 0) as numeric(18, 2))
    end as hours_late,
    cast(expectations_evaluated as bigint) as expectations_evaluated,
    cast(expectations_failed as bigint) as expectations_failed
from {{ ref('int_delivery_day') }}
