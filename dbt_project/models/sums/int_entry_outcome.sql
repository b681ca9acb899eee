{{ config(meta={'recomputed': 'int_reviewed_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- What became, within some days, of every loan that fell into a bucket in a month: what it paid, whether it was cured,
-- and whether it was late again after that. Days that are not over are here as they stand: who asks, asks up to
-- data_as_of. Entries that are still to come are not: a loan overdue is looked at on every day.
with

-- a loan that falls into a bucket twice in a month is followed from the first time
entries as (
    select
        entries.lender,
        entries.loan_id,
        entries.product,
        entries.entry_month,
        entries.bucket,
        entries.entered_on,
        entries.overdue_principal,
        windows.window_days,
        {{ add_days('entries.entered_on', 'windows.window_days') }} as judged_on
    from {{ touched('int_bucket_entry', 'int_reviewed_loan') }} as entries
    inner join {{ ref('int_lender') }} as lenders
        on entries.lender = lenders.lender and entries.entered_on <= lenders.data_as_of
    cross join {{ ref('recovery_windows') }} as windows
    where entries.is_first_of_month
),

spells as (
    select
        lender,
        loan_id,
        entered_on,
        exited_on,
        exit_reason,
        lead(entered_on) over (partition by lender, loan_id order by spell_no) as next_entered_on
    from {{ touched('fct_delinquency_spell', 'int_reviewed_loan') }}
),

-- money of the borrower, returns taken off; what comes in after the loan has left the book is a recovery of a loss
collections as (
    select
        entries.lender,
        entries.loan_id,
        entries.entry_month,
        entries.bucket,
        entries.window_days,
        sum(payments.principal) as collected_principal
    from entries
    inner join {{ touched('int_loan', 'int_reviewed_loan') }} as loans
        on entries.lender = loans.lender and entries.loan_id = loans.loan_id
    inner join {{ touched('int_payment_allocation', 'int_reviewed_loan') }} as payments
        on
            entries.lender = payments.lender
            and entries.loan_id = payments.loan_id
            and entries.entered_on < payments.value_on
            and entries.judged_on >= payments.value_on
            and (loans.terminal_on is null or loans.terminal_on >= payments.value_on)
    where payments.is_cash and payments.settles_instalments
    group by entries.lender, entries.loan_id, entries.entry_month, entries.bucket, entries.window_days
)

select
    entries.lender,
    entries.loan_id,
    entries.product,
    entries.entry_month,
    entries.bucket,
    entries.window_days,
    entries.judged_on,
    entries.overdue_principal,
    {{ money('coalesce(collections.collected_principal, 0)') }} as collected_principal,
    cures.lender is not null as is_cured,
    coalesce({{ add_days('cures.exited_on', 90) }} >= cures.next_entered_on, false) as is_redefaulted,
    {{ add_days('cures.exited_on', 90) }} as cure_followed_until
from entries
left join collections
    on
        entries.lender = collections.lender
        and entries.loan_id = collections.loan_id
        and entries.entry_month = collections.entry_month
        and entries.bucket = collections.bucket
        and entries.window_days = collections.window_days
left join spells as cures
    on
        entries.lender = cures.lender
        and entries.loan_id = cures.loan_id
        and entries.entered_on >= cures.entered_on
        and entries.entered_on < cures.exited_on
        and entries.judged_on >= cures.exited_on
        and cures.exit_reason = 'paid'
