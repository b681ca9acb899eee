-- Every day on which something may change about a loan in the book, with what stands at its close: the plan in force,
-- what its schedule still has to bring, what is overdue, and what the lender says. What happens on a day is summed per
-- loan, so a life costs one row per change and none per day.
with

loans as (
    select
        loans.lender, loans.loan_id, loans.principal, loans.entered_on, loans.terminal_on, loans.terminal_state,
        loans.settled_claimed_on, lenders.data_as_of
    from {{ touched('int_loan') }} as loans
    inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
    where loans.entered_on <= lenders.data_as_of
),

plans as (
    select * from {{ touched('int_plan_total') }}
),

reported_loans as (
    select lender, loan_id from plans where outstanding = 'reported' group by lender, loan_id
),

shortages as (
    select shortages.*
    from {{ touched('int_shortage') }} as shortages
    inner join loans
        on
            shortages.lender = loans.lender
            and shortages.loan_id = loans.loan_id
            and shortages.short_from <= loans.data_as_of
),

-- Every day on which a loan may change, and what happens on it. A plan starts with all of its balance, as though
-- nothing had been paid; what was paid before then comes off on the same day.
happenings as (
    select
        lender, loan_id, in_force_from as day, 1 as plans_started, principal_due as principal_left, instalments_short,
        0 as overdue_amount, 0 as overdue_principal, cast(null as numeric(18, 2)) as reported_principal,
        0 as snapshots_missing
    from plans
    union all
    select
        balances.lender, balances.loan_id, greatest(balances.valid_from, plans.in_force_from) as day,
        0 as plans_started, -balances.principal_settled as principal_left,
        case when balances.is_short then 1 else 0 end - case when balances.was_short then 1 else 0 end
            as instalments_short,
        0 as overdue_amount, 0 as overdue_principal, null as reported_principal, 0 as snapshots_missing
    from {{ touched('int_instalment_balance') }} as balances
    inner join plans
        on
            balances.lender = plans.lender
            and balances.loan_id = plans.loan_id
            and balances.plan_no = plans.plan_no
            and balances.valid_from < plans.in_force_until
    -- the first row of an instalment is in the totals of its plan
    where balances.valid_from > {{ first_day_ever() }}
    union all
    select
        lender, loan_id, short_from as day, 0 as plans_started, 0 as principal_left, 0 as instalments_short,
        case when track = 'current' then owed_left else 0 end as overdue_amount,
        case when track = 'current' then principal_left else 0 end as overdue_principal,
        null as reported_principal, 0 as snapshots_missing
    from shortages
    union all
    select
        lender, loan_id, short_until as day, 0 as plans_started, 0 as principal_left, 0 as instalments_short,
        case when track = 'current' then -owed_left else 0 end as overdue_amount,
        case when track = 'current' then -principal_left else 0 end as overdue_principal,
        null as reported_principal, 0 as snapshots_missing
    from shortages
    union all
    -- a closed loan may be listed once more without a balance: then it has none
    select
        positions.lender, positions.loan_id, positions.as_of as day, 0 as plans_started, 0 as principal_left,
        0 as instalments_short, 0 as overdue_amount, 0 as overdue_principal,
        coalesce(positions.outstanding_principal, 0) as reported_principal, 0 as snapshots_missing
    from {{ touched('int_reported_position') }} as positions
    inner join loans on positions.lender = loans.lender and positions.loan_id = loans.loan_id
    inner join reported_loans
        on positions.lender = reported_loans.lender and positions.loan_id = reported_loans.loan_id
    where positions.outstanding_principal is not null or positions.as_of >= loans.settled_claimed_on
    union all
    select
        lender, loan_id, day, 0 as plans_started, 0 as principal_left, 0 as instalments_short, 0 as overdue_amount,
        0 as overdue_principal, null as reported_principal, snapshots_missing
    from (
        select lender, loan_id, missing_from as day, 1 as snapshots_missing from {{ touched('int_loan_absence') }}
        union all
        select lender, loan_id, listed_again_on as day, -1 as snapshots_missing from {{ touched('int_loan_absence') }}
        union all
        select lender, loan_id, entered_on as day, 0 as snapshots_missing from loans
        union all
        select lender, loan_id, terminal_on as day, 0 as snapshots_missing from loans
        union all
        select lender, loan_id, settled_claimed_on as day, 0 as snapshots_missing from loans
        union all
        select lender, loan_id, paid_off_on as day, 0 as snapshots_missing from {{ touched('int_payoff') }}
        union all
        select lender, loan_id, paid_off_until as day, 0 as snapshots_missing from {{ touched('int_payoff') }}
        union all
        select lender, loan_id, paused_from as day, 0 as snapshots_missing from {{ touched('int_pause') }}
        union all
        select lender, loan_id, paused_until as day, 0 as snapshots_missing from {{ touched('int_pause') }}
    ) as milestones
    where day is not null
),

-- what happens on one day nets at its close
days as (
    select
        lender,
        loan_id,
        day,
        sum(plans_started) as plans_started,
        sum(principal_left) as principal_left,
        sum(instalments_short) as instalments_short,
        sum(overdue_amount) as overdue_amount,
        sum(overdue_principal) as overdue_principal,
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
        principal_left,
        instalments_short,
        reported_principal,
        sum(plans_started) over life as plan_in_turn,
        sum(overdue_amount) over life as overdue_amount,
        sum(overdue_principal) over life as overdue_principal,
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
        plan_in_turn,
        overdue_amount,
        overdue_principal,
        snapshots_missing,
        sum(principal_left) over on_plan as scheduled_principal_left,
        sum(instalments_short) over on_plan as instalments_short,
        max(reported_principal) over (partition by lender, loan_id, position_no) as reported_principal
    from running
    window on_plan as (
        partition by lender, loan_id, plan_in_turn order by day rows between unbounded preceding and current row
    )
)

select
    at_close.lender,
    at_close.loan_id,
    at_close.day,
    cast(at_close.plan_in_turn as integer) as plan_in_turn,
    {% for amount in ['scheduled_principal_left', 'overdue_amount', 'overdue_principal', 'reported_principal'] -%}
    {{ money('at_close.' ~ amount) }} as {{ amount }},
    {% endfor -%}
    cast(at_close.instalments_short as integer) as instalments_short,
    cast(at_close.snapshots_missing as integer) as snapshots_missing
from at_close
inner join loans on at_close.lender = loans.lender and at_close.loan_id = loans.loan_id
where at_close.day >= loans.entered_on and at_close.day <= loans.data_as_of
