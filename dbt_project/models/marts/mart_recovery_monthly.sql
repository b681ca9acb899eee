-- What was collected, within some days, from the loans that fell into a bucket in a month, against what they were
-- behind with when they did. Only loans for which those days are over count, on both sides.
{%- set measures = ['entered_loans', 'entry_overdue_principal', 'collected_principal', 'cured_loans',
    'redefaulted_90d_loans'] %}
with

spells as (
    select
        lender,
        loan_id,
        entered_on,
        exited_on,
        exit_reason,
        lead(entered_on) over (partition by lender, loan_id order by spell_no) as next_entered_on
    from {{ ref('fct_delinquency_spell') }}
),

-- a loan that falls into a bucket twice in a month is followed from the first time
outcomes as (
    select
        entries.lender,
        entries.product,
        entries.entry_month,
        entries.bucket,
        windows.window_days,
        entries.overdue_principal,
        case when cures.lender is not null then 1 else 0 end as is_cured,
        case when {{ add_days('cures.exited_on', 90) }} >= cures.next_entered_on then 1 else 0 end as is_redefaulted
    from {{ ref('int_bucket_entry') }} as entries
    inner join {{ ref('int_lender') }} as lenders on entries.lender = lenders.lender
    inner join {{ ref('recovery_windows') }} as windows
        on {{ add_days('entries.entered_on', 'windows.window_days') }} <= lenders.data_as_of
    left join spells as cures
        on
            entries.lender = cures.lender
            and entries.loan_id = cures.loan_id
            and entries.entered_on >= cures.entered_on
            and entries.entered_on < cures.exited_on
            and {{ add_days('entries.entered_on', 'windows.window_days') }} >= cures.exited_on
            and cures.exit_reason = 'paid'
    where entries.is_first_of_month
),

-- money of the borrower, returns taken off; what comes in after the loan has left the book is a recovery of a loss
collections as (
    select
        entries.lender,
        entries.product,
        entries.entry_month,
        entries.bucket,
        windows.window_days,
        sum(payments.principal) as collected_principal
    from {{ ref('int_bucket_entry') }} as entries
    inner join {{ ref('int_lender') }} as lenders on entries.lender = lenders.lender
    inner join {{ ref('int_loan') }} as loans
        on entries.lender = loans.lender and entries.loan_id = loans.loan_id
    inner join {{ ref('int_payment_allocation') }} as payments
        on
            entries.lender = payments.lender
            and entries.loan_id = payments.loan_id
            and entries.entered_on < payments.value_on
            and (loans.terminal_on is null or loans.terminal_on >= payments.value_on)
    inner join {{ ref('recovery_windows') }} as windows
        on
            {{ add_days('entries.entered_on', 'windows.window_days') }} <= lenders.data_as_of
            and {{ add_days('entries.entered_on', 'windows.window_days') }} >= payments.value_on
    where entries.is_first_of_month and payments.is_cash and payments.settles_instalments
    group by entries.lender, entries.product, entries.entry_month, entries.bucket, windows.window_days
),

parts as (
    select
        lender, product, entry_month, bucket, window_days,
        1 as entered_loans, overdue_principal as entry_overdue_principal, 0 as collected_principal,
        is_cured as cured_loans, is_redefaulted as redefaulted_90d_loans
    from outcomes
    union all
    select
        lender, product, entry_month, bucket, window_days,
        0 as entered_loans, 0 as entry_overdue_principal, collected_principal,
        0 as cured_loans, 0 as redefaulted_90d_loans
    from collections
)

select
    lender,
    product,
    entry_month,
    bucket as entry_bucket,
    window_days,
    {% for measure in measures -%}
    cast(sum({{ measure }}) as {{ 'bigint' if measure.endswith('loans') else 'numeric(18, 2)' }}) as {{ measure }}
    {{- ',' if not loop.last }}
    {% endfor %}
from parts
group by lender, product, entry_month, bucket, window_days
