-- The state of every loan as intervals [valid_from, valid_to): between two days on which something happens to a loan,
-- nothing about it changes but the count of days past due, and that is a subtraction. So there is one row per change
-- and none per day. An open interval holds until the lender's data_as_of; nothing is claimed after it.
--
-- In a waterfall the oldest instalments are settled first, so what is paid in all (P) says everything: the first
-- instalment whose threshold lies above P is the oldest unpaid one, whatever came in when.
{%- set facts = ['state', 'oldest_unpaid_due_on', 'contractual_oldest_unpaid_due_on', 'outstanding_principal',
    'overdue_principal', 'overdue_amount', 'paid_on_oldest'] %}
with

loans as (
    select
        lender, loan_id, principal, outstanding, tol_abs, first_day, entered_on, data_as_of, terminal_on,
        terminal_state, settled_claimed_on
    from {{ ref('int_loan') }}
    where entered_on <= data_as_of
),

versions as (
    select lender, loan_id, schedule_version, is_original, in_force_from, in_force_until
    from {{ ref('int_instalment') }}
    group by lender, loan_id, schedule_version, is_original, in_force_from, in_force_until
),

-- Every day on which a loan may change, and what happens on it. On most of them no money moves: they are days on which
-- the count of instalments overdue, the schedule in force or the state may change.
milestones as (
    select lender, loan_id, entered_on as day from loans
    union all
    select lender, loan_id, terminal_on as day from loans where terminal_on is not null
    union all
    select lender, loan_id, settled_claimed_on as day from loans where settled_claimed_on is not null
    union all
    select lender, loan_id, paid_off_on as day from {{ ref('int_payoff') }}
    union all
    select lender, loan_id, in_force_from as day from versions where not is_original
    union all
    select lender, loan_id, {{ overdue_from('due_on', 'first_day') }} as day from {{ ref('int_instalment') }}
),

happenings as (
    select
        lender, loan_id, day, cast(0 as numeric(18, 2)) as paid, cast(null as numeric(18, 2)) as reported_principal,
        0 as snapshots_missing
    from milestones
    union all
    select lender, loan_id, value_on as day, effect as paid, null as reported_principal, 0 as snapshots_missing
    from {{ ref('int_payment') }}
    where effect <> 0
    union all
    -- a closed loan may be listed once more without a balance: then it has none
    select
        positions.lender, positions.loan_id, positions.as_of as day, 0 as paid,
        coalesce(positions.outstanding_principal, 0) as reported_principal, 0 as snapshots_missing
    from {{ ref('int_reported_position') }} as positions
    inner join loans
        on positions.lender = loans.lender and positions.loan_id = loans.loan_id and loans.outstanding = 'reported'
    where positions.outstanding_principal is not null or positions.as_of >= loans.settled_claimed_on
    union all
    select lender, loan_id, missing_from as day, 0 as paid, null as reported_principal, 1 as snapshots_missing
    from {{ ref('int_loan_absence') }}
    union all
    select lender, loan_id, listed_again_on as day, 0 as paid, null as reported_principal, -1 as snapshots_missing
    from {{ ref('int_loan_absence') }}
    where listed_again_on is not null
),

-- what happens on one day nets at its close
days as (
    select
        lender,
        loan_id,
        day,
        sum(paid) as paid,
        max(reported_principal) as reported_principal,
        sum(snapshots_missing) as snapshots_missing
    from happenings
    group by lender, loan_id, day
),

running as (
    select
        lender,
        loan_id,
        day,
        reported_principal,
        sum(paid) over life as paid_to_date,
        sum(snapshots_missing) over life as snapshots_missing,
        count(reported_principal) over life as position_no
    from days
    window life as (
        partition by lender, loan_id order by day rows between unbounded preceding and current row
    )
),

-- the newest reported balance stands until the next one
at_close as (
    select
        lender,
        loan_id,
        day,
        paid_to_date,
        snapshots_missing,
        max(reported_principal) over (partition by lender, loan_id, position_no) as reported_principal
    from running
),

in_book as (
    select
        at_close.*,
        loans.first_day
    from at_close
    inner join loans on at_close.lender = loans.lender and at_close.loan_id = loans.loan_id
    where at_close.day >= loans.entered_on and at_close.day <= loans.data_as_of
),

-- Each day is measured on the schedule in force; where that is not the original one, on the original as well. A loan
-- without any instalment is measured on none.
measured as (
    select
        in_book.lender,
        in_book.loan_id,
        in_book.day,
        in_book.paid_to_date,
        in_book.snapshots_missing,
        in_book.reported_principal,
        in_book.first_day,
        versions.schedule_version,
        case when versions.is_original then 1 else 0 end as is_original,
        case
            when versions.loan_id is null then 1
            when in_book.day >= versions.in_force_from and in_book.day < versions.in_force_until then 1
            else 0
        end as is_in_force
    from in_book
    left join versions
        on
            in_book.lender = versions.lender
            and in_book.loan_id = versions.loan_id
            and (
                versions.is_original
                or (in_book.day >= versions.in_force_from and in_book.day < versions.in_force_until)
            )
),

-- how many instalments are overdue if unpaid: those due before the day, or by it where the due day counts
due_counted as (
    select
        *,
        case when first_day = 1 then due_by_then else due_before end as instalments_due
    from (
        select
            lender, loan_id, schedule_version, day, step, paid_to_date, snapshots_missing, reported_principal,
            is_in_force, is_original, first_day,
            sum(step) over (
                partition by lender, loan_id, schedule_version order by day, step
                rows between unbounded preceding and current row
            ) as due_before,
            sum(step) over (partition by lender, loan_id, schedule_version order by day) as due_by_then
        from (
            select
                lender, loan_id, schedule_version, day, 0 as step, paid_to_date, snapshots_missing,
                reported_principal, is_in_force, is_original, first_day
            from measured
            union all
            select
                lender, loan_id, schedule_version, due_on as day, 1 as step, null as paid_to_date,
                null as snapshots_missing, null as reported_principal, null as is_in_force, null as is_original,
                null as first_day
            from {{ ref('int_instalment') }}
        ) as merged
    ) as counted
    where step = 0
),

positioned as (
    {{ waterfall_positions(
        'due_counted', ['day', 'snapshots_missing', 'reported_principal', 'is_in_force', 'is_original', 'instalments_due']
    ) | indent(4) }}
),

-- oldest: the first instalment still short. frontier: the one the money has reached. newest_due: the last one due.
looked_up as (
    select
        positioned.*,
        oldest.due_on as oldest_unpaid_due_on,
        coalesce(frontier.tolerance, 0) as tolerance,
        {{ covered_to_date('positioned.paid_to_date', 'frontier', 'principal') }} as principal_covered,
        case when oldest.seq is null then 0 else {{ covered_owed('positioned.paid_to_date', 'oldest') }} end
            as paid_on_oldest,
        case
            when oldest.seq <= positioned.instalments_due
                then
                    newest_due.owed_to_date - oldest.owed_to_date + oldest.owed
                    - {{ covered_owed('positioned.paid_to_date', 'oldest') }}
            else 0
        end as overdue_amount,
        case
            when oldest.seq <= positioned.instalments_due
                then
                    newest_due.principal_to_date - oldest.principal_to_date + oldest.principal_due
                    - {{ covered('positioned.paid_to_date', 'oldest', 'principal') }}
            else 0
        end as overdue_principal
    from positioned
    left join {{ ref('int_instalment') }} as oldest
        on
            positioned.lender = oldest.lender
            and positioned.loan_id = oldest.loan_id
            and positioned.schedule_version = oldest.schedule_version
            and positioned.instalments_settled + 1 = oldest.seq
    left join {{ ref('int_instalment') }} as frontier
        on
            positioned.lender = frontier.lender
            and positioned.loan_id = frontier.loan_id
            and positioned.schedule_version = frontier.schedule_version
            and positioned.frontier_no = frontier.seq
    left join {{ ref('int_instalment') }} as newest_due
        on
            positioned.lender = newest_due.lender
            and positioned.loan_id = newest_due.loan_id
            and positioned.schedule_version = newest_due.schedule_version
            and positioned.instalments_due = newest_due.seq
),

-- one row per day again: on the schedule in force, with the original one's due date beside it
by_day as (
    select
        lender, loan_id, day, snapshots_missing, reported_principal, paid_to_date, oldest_unpaid_due_on,
        contractual_oldest_unpaid_due_on, tolerance, principal_covered, paid_on_oldest, overdue_amount,
        overdue_principal
    from (
        select
            *,
            max(case when is_original = 1 then oldest_unpaid_due_on end) over (partition by lender, loan_id, day)
                as contractual_oldest_unpaid_due_on
        from looked_up
    ) as both_schedules
    where is_in_force = 1
),

with_balance as (
    select
        by_day.*,
        loans.outstanding,
        loans.terminal_on,
        loans.terminal_state,
        loans.settled_claimed_on,
        coalesce(by_day.paid_to_date >= payoffs.paid_off_at and by_day.day >= payoffs.paid_off_on, false)
            as is_paid_off,
        case
            when loans.outstanding = 'reported' then by_day.reported_principal
            when by_day.paid_to_date >= payoffs.paid_off_at and by_day.day >= payoffs.paid_off_on
                then loans.principal - payoffs.principal_total
            else loans.principal - by_day.principal_covered
        end as principal_left,
        greatest(loans.tol_abs, by_day.tolerance) as balance_tolerance
    from by_day
    inner join loans on by_day.lender = loans.lender and by_day.loan_id = loans.loan_id
    left join {{ ref('int_payoff') }} as payoffs
        on by_day.lender = payoffs.lender and by_day.loan_id = payoffs.loan_id
),

-- Settled is what we find, not what we are told: nothing short on any instalment and no principal left. The lender's
-- word counts in one case: where its own balance is the balance, is nil, and it calls the loan settled.
with_state as (
    select
        *,
        case
            when day >= terminal_on then terminal_state
            when
                principal_left <= balance_tolerance
                and (
                    oldest_unpaid_due_on is null
                    or is_paid_off
                    or (outstanding = 'reported' and day >= settled_claimed_on)
                )
                then 'settled'
            when snapshots_missing > 0 then 'unknown'
            else 'active'
        end as state
    from with_balance
),

-- what has left the book owes it nothing any more; what it was then is kept beside
described as (
    select
        with_state.lender,
        with_state.loan_id,
        with_state.day,
        with_state.state,
        states.is_terminal,
        with_state.principal_left,
        case when not states.is_terminal then with_state.oldest_unpaid_due_on end as oldest_unpaid_due_on,
        case when not states.is_terminal then with_state.contractual_oldest_unpaid_due_on end
            as contractual_oldest_unpaid_due_on,
        case when not states.is_terminal then with_state.principal_left else 0 end as outstanding_principal,
        case when not states.is_terminal then with_state.overdue_principal else 0 end as overdue_principal,
        case when not states.is_terminal then with_state.overdue_amount else 0 end as overdue_amount,
        case when not states.is_terminal then with_state.paid_on_oldest else 0 end as paid_on_oldest
    from with_state
    inner join {{ ref('loan_states') }} as states on with_state.state = states.state
),

compared as (
    select
        *,
        {% for fact in facts -%}
        lag({{ fact }}) over life as {{ fact }}_before{{ ',' if not loop.last }}
        {% endfor %}
    from described
    window life as (partition by lender, loan_id order by day)
)

select
    lender,
    loan_id,
    day as valid_from,
    lead(day) over (partition by lender, loan_id order by day) as valid_to,
    state,
    is_terminal,
    oldest_unpaid_due_on,
    contractual_oldest_unpaid_due_on,
    cast(outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(overdue_principal as numeric(18, 2)) as overdue_principal,
    cast(overdue_amount as numeric(18, 2)) as overdue_amount,
    cast(paid_on_oldest as numeric(18, 2)) as paid_on_oldest,
    -- for a loan that has left the book: what it still owed when it left
    cast(case when is_terminal then principal_left end as numeric(18, 2)) as principal_at_exit
from compared
where
    {% for fact in facts -%}
    {{ fact }} is distinct from {{ fact }}_before{{ ' or' if not loop.last }}
    {% endfor %}
