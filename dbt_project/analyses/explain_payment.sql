-- Every payment by the close of the day asked about, in the order in which they count, and what all money together came to
-- after it. What each was for is as it is published; in a payoff it is for the whole loan, not for instalments.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
select
    payments.lender,
    payments.loan_id,
    payments.payment_id,
    payments.kind,
    payments.value_on,
    payments.posted_on,
    payments.amount,
    payments.settles_instalments,
    {% for component in components() | reverse -%}
    allocated.{{ component }},
    {% endfor -%}
    allocated.unallocated,
    allocated.is_of_payoff,
    payments.paid_after,
    sent.reverses_payment_id,
    reversals.payment_id as reversed_by,
    sent.reverses_payment_id is not null and originals.payment_id is null as waits_for_original,
    sent.file_id,
    sent.line_no
from {{ ref('int_payment') }} as payments
inner join {{ ref('int_payment_allocation') }} as allocated
    on
        payments.lender = allocated.lender
        and payments.loan_id = allocated.loan_id
        and payments.payment_id = allocated.payment_id
inner join {{ ref('stg_payment') }} as sent
    on payments.lender = sent.lender and payments.loan_id = sent.loan_id and payments.payment_id = sent.payment_id
left join {{ ref('int_payment') }} as originals
    on
        payments.lender = originals.lender
        and payments.loan_id = originals.loan_id
        and sent.reverses_payment_id = originals.payment_id
left join (
    select lender, loan_id, reverses_payment_id, min(payment_id) as payment_id
    from {{ ref('stg_payment') }}
    where value_on <= {{ day }}
    group by lender, loan_id, reverses_payment_id
) as reversals
    on
        payments.lender = reversals.lender
        and payments.loan_id = reversals.loan_id
        and payments.payment_id = reversals.reverses_payment_id
where payments.value_on <= {{ day }}
order by payments.lender, payments.loan_id, payments.payment_no
