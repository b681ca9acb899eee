-- What `arrears explain` says of a loan itself, whatever the day. Each analysis of this folder answers one of its
-- questions from the models, so that nothing that they reckon is reckoned a second time.
select
    loans.lender,
    loans.loan_id,
    loans.product,
    loans.currency,
    loans.principal,
    loans.disbursed_on,
    loans.entered_on,
    loans.maturity_on,
    loans.terminal_on,
    loans.terminal_state,
    loans.settled_claimed_on,
    loans.restructured_on,
    absences.missing_from,
    lenders.data_as_of,
    sent.file_id,
    sent.line_no
from {{ ref('int_loan') }} as loans
inner join {{ ref('stg_loan') }} as sent on loans.lender = sent.lender and loans.loan_id = sent.loan_id
inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
left join {{ ref('int_loan_absence') }} as absences
    on loans.lender = absences.lender and loans.loan_id = absences.loan_id and absences.listed_again_on is null
