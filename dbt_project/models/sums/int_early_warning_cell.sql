-- Month-ends of which a build recomputes the backtest of warnings: something about a loan has changed there, or what
-- became of it within the horizon, or whether a signal stood; or the horizon is over.
with

month_ends as (
    select date as month_end from {{ standing('int_calendar') }} as calendar where is_month_end
),

changes as (
    select lender, month_end from {{ ref('int_loan_month_cell') }}
    union
    select lender, month_end from {{ changed('int_early_warning_outcome') }} as outcomes
    union
    select signals.lender, month_ends.month_end
    from {{ changed_stretches('int_signal', ['lender', 'loan_id', 'signal'], 'raised_on', 'lowered_on') }} as signals
    inner join month_ends
        on signals.changed_from <= month_ends.month_end and signals.changed_until > month_ends.month_end
),

months as (
    select lender, month_end, true as is_changed from changes
    union all
    select passage.lender, month_ends.month_end, false as is_changed
    from month_ends
    cross join {{ ref('int_passage') }} as passage
),

with_horizon as (
    select *, {{ add_days('month_end', warning_horizon_days()) }} as horizon_on from months
)

select
    months.lender,
    months.month_end
from with_horizon as months
inner join {{ ref('int_passage') }} as passage
    on
        months.lender = passage.lender
        and months.horizon_on <= passage.passed_until
        and (months.is_changed or months.horizon_on > passage.passed_from)
group by months.lender, months.month_end
