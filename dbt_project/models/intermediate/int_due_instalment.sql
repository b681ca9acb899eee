{{ config(meta={'tracks_changes': true}) }}
-- Every instalment once: as the schedule has it that is in force on its own due date, and what the day before found.
-- What a later schedule says of the same number changes nothing about what was asked for then, and the plan of that
-- day goes on measuring it. Instalments that are not due yet are here as they will be if nothing happens: who asks,
-- asks up to data_as_of.
with

in_force_when_due as (
    select
        lender, loan_id, plan_no, seq, schedule_version, instalment_no, due_on, clock_due_on, principal_due, owed
    from {{ touched('int_instalment') }}
    where due_on >= in_force_from and due_on < in_force_until
),

-- a number that fell due on an old schedule may fall due again on a new one: it first did on the old
once as (
    {{ newest_per_key(
        'in_force_when_due', ['lender', 'loan_id', 'instalment_no'], 'due_on, schedule_version',
        [
            'lender', 'loan_id', 'plan_no', 'seq', 'schedule_version', 'instalment_no', 'due_on', 'clock_due_on',
            'principal_due', 'owed',
        ]
    ) }}
),

settled as (
    select lender, loan_id, valid_from, coalesce(valid_to, {{ last_day_ever() }}) as valid_until
    from {{ touched('int_loan_state') }}
    where state = 'settled'
),

overdue as (
    select *, coalesce(valid_to, {{ last_day_ever() }}) as valid_until
    from {{ touched('int_loan_state') }}
    where not is_terminal and overdue_amount > 0
)

-- of settled and of overdue at most one row holds at the close of a day
select
    once.lender,
    once.loan_id,
    once.instalment_no,
    once.plan_no,
    once.seq,
    once.schedule_version,
    once.due_on,
    once.clock_due_on,
    {{ month_end('once.clock_due_on') }} as due_month,
    once.principal_due,
    once.owed,
    loans.product,
    loans.principal as loan_principal,
    coalesce(loans.entered_on <= once.due_on and coalesce(loans.terminal_on >= once.due_on, true), false)
        as is_eligible,
    coalesce(
        loans.entered_on = once.due_on
        or (
            loans.entered_on < once.due_on
            and coalesce(loans.terminal_on >= once.due_on, true)
            and settled_before_due.lender is null
        ),
        false
    ) as is_owed,
    coalesce(
        loans.entered_on < once.clock_due_on
        and coalesce(loans.terminal_on >= once.clock_due_on, true)
        and settled_on_eve.lender is null
        and {{ dpd_on(add_days('once.clock_due_on', -1), 'overdue_on_eve') }} = 0,
        false
    ) as is_clean
from once
inner join {{ touched('int_loan') }} as loans on once.lender = loans.lender and once.loan_id = loans.loan_id
left join settled as settled_before_due
    on
        once.lender = settled_before_due.lender
        and once.loan_id = settled_before_due.loan_id
        and once.due_on > settled_before_due.valid_from
        and once.due_on <= settled_before_due.valid_until
left join settled as settled_on_eve
    on
        once.lender = settled_on_eve.lender
        and once.loan_id = settled_on_eve.loan_id
        and once.clock_due_on > settled_on_eve.valid_from
        and once.clock_due_on <= settled_on_eve.valid_until
left join overdue as overdue_on_eve
    on
        once.lender = overdue_on_eve.lender
        and once.loan_id = overdue_on_eve.loan_id
        and once.clock_due_on > overdue_on_eve.valid_from
        and once.clock_due_on <= overdue_on_eve.valid_until
