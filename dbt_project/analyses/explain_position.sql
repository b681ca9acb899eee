-- What the lender itself said last of every loan, on or before the day asked about, and how that compares with ours:
-- the kind of break, since when it has been one, and the payment or instalment that explains it.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
with

positions as (
    select * from {{ ref('stg_reported_position') }} where as_of <= {{ day }}
),

newest as (
    {{ newest_per_key(
        'positions', ['lender', 'loan_id'], 'as_of desc',
        [
            'lender', 'loan_id', 'as_of', 'outstanding_principal', 'overdue_principal', 'dpd', 'status', 'file_id',
            'line_no'
        ]
    ) | indent(4) }}
)

select
    newest.lender,
    newest.loan_id,
    newest.as_of,
    newest.outstanding_principal,
    newest.overdue_principal,
    newest.dpd,
    newest.status,
    newest.file_id,
    newest.line_no,
    -- null where the lender sent no figure, or before the loan was in the book: then nothing was held against ours
    case when newest.as_of < lenders.data_as_of then breaks.break_type else breaks.break_type_on_the_day end
        as break_type,
    breaks.broken_since,
    breaks.our_outstanding_principal,
    breaks.our_dpd,
    breaks.difference,
    case
        when breaks.agrees_on_eve then {{ add_days('newest.as_of', -1) }}
        when breaks.agrees_on_morrow and newest.as_of < lenders.data_as_of then {{ add_days('newest.as_of', 1) }}
    end as agrees_with_ours_of,
    payments.payment_id,
    payments.value_on as payment_value_on,
    instalments.schedule_version as instalment_version,
    instalments.instalment_no,
    instalments.due_on as instalment_due_on,
    breaks.paid_elsewhere
from newest
inner join {{ ref('int_lender') }} as lenders on newest.lender = lenders.lender
left join {{ ref('int_position_break') }} as breaks
    on
        newest.lender = breaks.lender
        and newest.loan_id = breaks.loan_id
        and newest.as_of = breaks.as_of
left join {{ ref('int_payment') }} as payments
    on
        breaks.lender = payments.lender
        and breaks.loan_id = payments.loan_id
        and breaks.payment_no = payments.payment_no
left join {{ ref('int_instalment') }} as instalments
    on
        breaks.lender = instalments.lender
        and breaks.loan_id = instalments.loan_id
        and breaks.plan_no = instalments.plan_no
        and breaks.instalment_seq = instalments.seq
