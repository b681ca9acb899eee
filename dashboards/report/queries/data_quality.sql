-- What came for each of the newest fourteen business dates, and what was wrong with it.
select
    quality.lender,
    quality.business_date,
    quality.delivery_status,
    quality.files,
    quality.rows_in_files,
    quality.rows_accepted,
    quality.rows_rejected,
    quality.orphan_rows,
    quality.hours_late,
    quality.expectations_evaluated,
    quality.expectations_failed
from mart_data_quality_daily as quality
inner join dim_lender as lenders on quality.lender = lenders.lender
where quality.business_date > lenders.data_as_of - 14
order by quality.lender, quality.business_date desc
