-- Every warning that a loan gives, as intervals [raised_on, lowered_on) (lowered_on null: it stands), and what was
-- seen. Made anew by every build: a loan at another lender is a warning, and a delivery of that lender does not touch
-- the loan that is warned of.
{%- set text = dbt.type_string() %}
with

entered as (
    select
        loans.lender,
        loans.loan_id,
        loans.borrower_key,
        loans.disbursed_on
    from {{ ref('int_loan') }} as loans
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
    from {{ ref('int_spell') }} as spells
    inner join {{ ref('int_loan') }} as loans on spells.lender = loans.lender and spells.loan_id = loans.loan_id
)

select
    lender, loan_id, signal, raised_on, lowered_on, detail
from {{ ref('int_loan_signal') }}
union all
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
