{{ config(materialized='cells', meta={
    'cells': 'int_segment_cell', 'cell': ['lender', 'month_end']
}) }}
-- Borrowers of each lender's book at each month-end, by age, income and how many loans they have anywhere. The same
-- person has the same key at every lender, so the loans at the others, which the lender cannot see, count here.
with

-- what "more than 30 days past due" means is a row of the scheme in force on the day
past_30 as (
    select
        conventions.lender,
        conventions.product,
        conventions.in_force_from,
        conventions.in_force_until,
        thresholds.min_dpd
    from {{ ref('int_convention') }} as conventions
    inner join {{ ref('overdue_thresholds') }} as thresholds
        on conventions.scheme = thresholds.scheme and thresholds.threshold_dpd = 30
),

-- A borrower at a lender is described as on the newest loan there; loans are counted over all lenders.
book as (
    select
        months.lender,
        months.month_end,
        loans.borrower_key,
        loans.birth_decade,
        loans.income_band,
        months.outstanding_principal,
        case when months.dpd > 0 then 1 else 0 end as is_overdue,
        case when months.dpd >= past_30.min_dpd then months.outstanding_principal else 0 end as balance_overdue_30,
        row_number() over (
            partition by months.lender, months.month_end, loans.borrower_key
            order by loans.disbursed_on desc, months.loan_id desc
        ) as newest_first,
        count(*) over (partition by months.month_end, loans.borrower_key) as loans_anywhere
    from {{ in_cells(
        'fct_loan_month', 'int_segment_cell', on={'month_end': 'month_end'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('dim_loan') }} as loans on months.lender = loans.lender and months.loan_id = loans.loan_id
    inner join past_30
        on
            months.lender = past_30.lender
            and months.product = past_30.product
            and months.month_end >= past_30.in_force_from
            and months.month_end < past_30.in_force_until
),

borrowers as (
    select
        lender,
        month_end,
        borrower_key,
        max(case when newest_first = 1 then birth_decade end) as birth_decade,
        max(case when newest_first = 1 then income_band end) as income_band,
        max(loans_anywhere) as loans_anywhere,
        max(is_overdue) as is_overdue,
        sum(outstanding_principal) as outstanding_principal,
        sum(balance_overdue_30) as balance_overdue_30
    from book
    group by lender, month_end, borrower_key
),

segments as (
    select
        borrowers.lender,
        borrowers.month_end,
        coalesce(cast(borrowers.birth_decade as {{ dbt.type_string() }}) || 's', 'unknown') as birth_decade,
        coalesce(borrowers.income_band, 'unknown') as income_band,
        bands.loan_count_band,
        borrowers.is_overdue,
        borrowers.outstanding_principal,
        borrowers.balance_overdue_30
    from borrowers
    inner join {{ ref('loan_count_bands') }} as bands
        on
            borrowers.loans_anywhere >= bands.min_loans
            and borrowers.loans_anywhere <= coalesce(bands.max_loans, 2147483647)
)

select
    lender,
    month_end,
    birth_decade,
    income_band,
    loan_count_band,
    count(*) as borrowers,
    cast(sum(is_overdue) as bigint) as overdue_borrowers,
    {{ money('sum(outstanding_principal)') }} as outstanding_principal,
    {{ money('sum(balance_overdue_30)') }} as balance_overdue_30
from segments
group by lender, month_end, birth_decade, income_band, loan_count_band
