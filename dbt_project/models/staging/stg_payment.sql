-- Payments as last sent. The same payment sent again counts once.
with

newest as (
    {{ newest_rows(
        'payment', ['lender', 'payment_id'],
        [
            'payment_id', 'loan_id', 'instalment_no', 'value_on', 'posted_on', 'kind', 'amount', 'principal',
            'interest', 'fee', 'penalty', 'reverses_payment_id', 'channel',
        ], of_loan=true
    ) | indent(4) }}
)

select
    newest.lender,
    newest.payment_id,
    newest.loan_id,
    newest.instalment_no,
    newest.value_on,
    newest.posted_on,
    newest.kind,
    newest.amount,
    newest.principal,
    newest.interest,
    newest.fee,
    newest.penalty,
    newest.reverses_payment_id,
    newest.channel,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
