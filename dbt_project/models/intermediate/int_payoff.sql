-- The first day on which a loan was paid off before its schedule ran out, and the amount that did it. A full prepayment
-- owes all principal but no interest or fee that has not fallen due: what of it is still open is not accrued.
-- While at least that amount stays paid, the loan owes nothing; a later reversal takes the payment below it.
-- Where the lender's own balance is shown, that balance says when a loan is paid off, and nothing is worked out here.
with

loans as (
    select lender, loan_id, settled_claimed_on, tol_abs, data_as_of
    from {{ ref('int_loan') }}
    where outstanding = 'computed'
),

-- the lender calling the loan settled speaks for every payment from then on
payment_days as (
    select
        payments.lender,
        payments.loan_id,
        payments.value_on as triggered_on,
        max(case when payments.bridge_column = 'prepaid' and payments.sign > 0 then 1 else 0 end) as has_prepayment
    from {{ ref('int_payment') }} as payments
    where payments.settles_instalments
    group by payments.lender, payments.loan_id, payments.value_on
),

triggers as (
    select payment_days.lender, payment_days.loan_id, payment_days.triggered_on
    from payment_days
    inner join loans on payment_days.lender = loans.lender and payment_days.loan_id = loans.loan_id
    where payment_days.has_prepayment = 1 or payment_days.triggered_on >= loans.settled_claimed_on
    union
    select lender, loan_id, settled_claimed_on as triggered_on from loans where settled_claimed_on is not null
),

paid as (
    select
        triggers.lender,
        triggers.loan_id,
        triggers.triggered_on,
        coalesce(sum(payments.effect), 0) as paid_to_date
    from triggers
    left join {{ ref('int_payment') }} as payments
        on
            triggers.lender = payments.lender
            and triggers.loan_id = payments.loan_id
            and triggers.triggered_on >= payments.value_on
    group by triggers.lender, triggers.loan_id, triggers.triggered_on
),

demanded as (
    select
        paid.lender,
        paid.loan_id,
        paid.triggered_on,
        paid.paid_to_date,
        sum(instalments.principal_due) as principal_total,
        sum(instalments.interest_due) as interest_total,
        {% for component in ['interest', 'fee', 'penalty'] -%}
        sum(case when instalments.due_on <= paid.triggered_on then instalments.{{ component }}_due else 0 end)
            as {{ component }}_accrued,
        {% endfor -%}
        -- where money covers principal first, all of it may be repaid before the interest is
        max(instalments.principal_starts_at + instalments.principal_due) as principal_covered_at
    from paid
    inner join {{ ref('int_instalment') }} as instalments
        on
            paid.lender = instalments.lender
            and paid.loan_id = instalments.loan_id
            and paid.triggered_on >= instalments.in_force_from
            and paid.triggered_on < instalments.in_force_until
    group by paid.lender, paid.loan_id, paid.triggered_on, paid.paid_to_date
),

demands as (
    select
        *,
        principal_total + interest_accrued + fee_accrued + penalty_accrued as demand
    from demanded
),

thresholds as (
    select
        demands.*,
        loans.data_as_of,
        case
            when demands.triggered_on >= loans.settled_claimed_on
                then least(demands.principal_covered_at, demands.demand)
            else demands.demand
        end - loans.tol_abs as paid_off_at
    from demands
    inner join loans on demands.lender = loans.lender and demands.loan_id = loans.loan_id
),

sufficient as (
    select * from thresholds where paid_to_date >= paid_off_at and triggered_on <= data_as_of
),

first_payoffs as (
    {{ newest_per_key(
        'sufficient', ['lender', 'loan_id'], 'triggered_on',
        ['lender', 'loan_id', 'triggered_on', 'paid_off_at', 'principal_total', 'interest_total', 'fee_accrued',
         'penalty_accrued']
    ) }}
)

select
    lender,
    loan_id,
    triggered_on as paid_off_on,
    {{ money('paid_off_at') }} as paid_off_at,
    {{ money('principal_total') }} as principal_total,
    {{ money('interest_total') }} as interest_total,
    {{ money('fee_accrued') }} as fee_accrued,
    {{ money('penalty_accrued') }} as penalty_accrued
from first_payoffs
