{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- Every warning that a loan gives, as intervals [raised_on, lowered_on) (lowered_on null: it stands), and what was
-- seen. The same said twice (two promises alike) is one warning.
{%- set text = dbt.type_string() %}
with

entered as (
    select
        loans.lender,
        loans.loan_id,
        loans.borrower_key,
        loans.disbursed_on
    from {{ touched('int_loan', 'int_worked_loan') }} as loans
    inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
    where loans.entered_on <= lenders.data_as_of
),

late_borrowers as (
    select
        spells.lender,
        spells.loan_id,
        spells.entered_on,
        spells.exited_on,
        loans.borrower_key
    from {{ touched('int_spell', 'int_worked_loan') }} as spells
    inner join {{ touched('int_loan', 'int_worked_loan') }} as loans
        on spells.lender = loans.lender and spells.loan_id = loans.loan_id
),

-- known on the day after the promised one; of a promise that came too late for its day, after it was given
broken_promises as (
    select
        lender,
        loan_id,
        promised_on,
        promised_amount,
        paid_amount,
        {{ add_days('greatest(judged_on, acted_on)', 1) }} as raised_on
    from {{ touched('int_promise', 'int_worked_loan') }}
    where promise_kept = 'broken'
)

select
    lender, loan_id, signal, raised_on, lowered_on, detail
from {{ touched('int_loan_signal', 'int_worked_loan') }}
union
select
    broken_promises.lender, broken_promises.loan_id, 'broken_promise' as signal, broken_promises.raised_on,
    spells.exited_on as lowered_on,
    'promised ' || cast(broken_promises.promised_amount as {{ text }}) || ' by '
    || cast(broken_promises.promised_on as {{ text }}) || ', paid ' || cast(broken_promises.paid_amount as {{ text }})
        as detail
from broken_promises
inner join {{ touched('int_spell', 'int_worked_loan') }} as spells
    on
        broken_promises.lender = spells.lender
        and broken_promises.loan_id = spells.loan_id
        and broken_promises.raised_on >= spells.entered_on
        and coalesce(broken_promises.raised_on < spells.exited_on, true)
union
-- never which lender: a reader of this one may not know
select
    late_borrowers.lender, late_borrowers.loan_id, 'new_loan_elsewhere' as signal,
    entered.disbursed_on as raised_on, late_borrowers.exited_on as lowered_on,
    'new loan at another lender on ' || cast(entered.disbursed_on as {{ text }}) || ', past due here since '
    || cast(late_borrowers.entered_on as {{ text }}) as detail
from late_borrowers
inner join entered
    on
        late_borrowers.borrower_key = entered.borrower_key
        and late_borrowers.lender <> entered.lender
        and late_borrowers.entered_on <= entered.disbursed_on
        and coalesce(late_borrowers.exited_on > entered.disbursed_on, true)
