{{ config(meta={'tracks_changes': true}) }}
-- What moved the balance of every loan in every month, by the name it has in the balance bridge. A month that is not
-- over, or still to come, is here as it will be if nothing happens: who asks, asks up to data_as_of.
with

loans as (
    select
        lender, loan_id, product, entered_on, enters_as_reported, principal, terminal_on, terminal_amount
    from {{ touched('int_loan') }}
    where entered_on is not null
),

states as (
    select lender, loan_id, valid_from, state, is_terminal, outstanding_principal, principal_at_exit
    from {{ touched('int_loan_state') }}
),

-- the day on which a loan left the book in another way than by being repaid
ways_out as (
    select lender, loan_id, state, valid_from as left_on, principal_at_exit
    from states
    where is_terminal and state <> 'settled'
),

exits as (
    {{ newest_per_key(
        'ways_out', ['lender', 'loan_id'], 'left_on', ['lender', 'loan_id', 'state', 'left_on', 'principal_at_exit']
    ) }}
),

first_states as (
    {{ newest_per_key(
        'states', ['lender', 'loan_id'], 'valid_from',
        ['lender', 'loan_id', 'outstanding_principal', 'principal_at_exit']
    ) }}
),

-- a seasoned loan enters with the first balance its lender reports; only that is new to the book
entries as (
    select
        loans.lender,
        loans.loan_id,
        loans.product,
        {{ month_end('loans.entered_on') }} as month_end,
        'disbursed' as flow,
        case
            when loans.enters_as_reported
                then coalesce(first_states.principal_at_exit, first_states.outstanding_principal)
            else loans.principal
        end as amount
    from loans
    inner join first_states on loans.lender = first_states.lender and loans.loan_id = first_states.loan_id
),

-- Principal as our waterfall has it; where the balance is the lender's, the lender's own split explains it better.
-- A reported balance already contains what was paid on or before its day.
repayments as (
    select
        payments.lender,
        payments.loan_id,
        loans.product,
        {{ month_end('payments.value_on') }} as month_end,
        payments.bridge_column as flow,
        case
            when loans.enters_as_reported then coalesce(payments.principal_as_sent, payments.principal)
            else payments.principal
        end as amount
    from {{ touched('int_payment_allocation') }} as payments
    inner join loans on payments.lender = loans.lender and payments.loan_id = loans.loan_id
    left join exits on payments.lender = exits.lender and payments.loan_id = exits.loan_id
    where
        payments.settles_instalments
        and payments.bridge_column is not null
        and (exits.left_on is null or payments.value_on <= exits.left_on)
        and (not loans.enters_as_reported or payments.value_on > loans.entered_on)
),

-- what the lender says it was, on the day it says so; of a loan that was settled then, what comes back later
losses as (
    select
        loans.lender,
        loans.loan_id,
        loans.product,
        {{ month_end('exits.left_on') }} as month_end,
        case when exits.state = 'written_off' then 'written_off' else 'transferred' end as flow,
        case
            when exits.left_on = greatest(loans.terminal_on, loans.entered_on)
                then coalesce(loans.terminal_amount, exits.principal_at_exit)
            else exits.principal_at_exit
        end as amount
    from exits
    inner join loans on exits.lender = loans.lender and exits.loan_id = loans.loan_id
),

flows as (
    select lender, loan_id, product, month_end, flow, amount from entries
    union all
    select lender, loan_id, product, month_end, flow, amount from repayments
    union all
    select lender, loan_id, product, month_end, flow, amount from losses
)

select
    lender,
    loan_id,
    product,
    month_end,
    flow,
    {{ money('sum(amount)') }} as amount
from flows
group by lender, loan_id, product, month_end, flow
