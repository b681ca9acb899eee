-- The engine and the core marts of a plain book, from the rows that were received (schema raw) to five tables (schema built).
-- Written for DuckDB from the definitions, not from the models: the money that has come in on a loan is one number, and
-- all else follows from where that number falls in the running total of the plan.
--
-- A plain book (scenario `plain`): one schedule a loan; repayments, prepayments, recoveries and returned debits; loans end by
-- being settled or written off. No relief, waivers, chargebacks, refunds, penalties or pauses. Conventions: the due day is day
-- 0, a cent is no shortfall, calendar days, no grace, buckets of thirty days; money covers fee, interest, principal.

create schema if not exists built;

-- ── what counts of what was received ────────────────────────────────────────────────────────────────────────────

create or replace temp table accepted as
select delivery_id from raw.delivery where status = 'accepted';

create or replace temp table loan as
with newest as (
    select *
    from raw.loan
    semi join accepted using (delivery_id)
    qualify row_number() over (
        partition by lender, loan_id order by changed_at desc, business_date desc, delivery_id desc, line_no desc
    ) = 1
)
select
    cast(row_number() over (order by lender, loan_id) as integer) as loan_no,
    newest.lender, newest.loan_id, newest.product, newest.principal, newest.disbursed_on, lender.as_of
from newest
inner join (
    select lender, max(business_date) as as_of from raw.delivery where status = 'accepted' group by lender
) as lender using (lender)
where newest.change_op <> 'D';

create or replace temp table instalment as
select
    loan.loan_no, received.schedule_version, received.instalment_no, received.due_on,
    received.principal_due, received.interest_due, received.fee_due,
    received.principal_due + received.interest_due + received.fee_due as due
from raw.instalment as received
semi join accepted using (delivery_id)
inner join loan using (lender, loan_id)
qualify row_number() over (
    partition by loan.loan_no, received.schedule_version, received.instalment_no
    order by received.changed_at desc, received.business_date desc, received.delivery_id desc, received.line_no desc
) = 1 and received.change_op <> 'D';

create or replace temp table payment as
select
    loan.loan_no, received.payment_id, received.value_on, received.posted_on, received.kind, received.amount,
    received.reverses_payment_id
from raw.payment as received
semi join accepted using (delivery_id)
inner join loan using (lender, loan_id)
qualify row_number() over (
    partition by loan.lender, received.payment_id
    order by received.changed_at desc, received.business_date desc, received.delivery_id desc, received.line_no desc
) = 1 and received.change_op <> 'D';

create or replace temp table milestone as
select
    loan_no,
    min(event_on) filter (where kind = 'written_off') as written_off_on,
    min(event_on) filter (where kind = 'settled') as settled_claimed_on
from (
    select loan.loan_no, received.kind, received.event_on
    from raw.loan_event as received
    semi join accepted using (delivery_id)
    inner join loan using (lender, loan_id)
    qualify row_number() over (
        partition by loan.loan_no, received.kind, received.event_on
        order by received.changed_at desc, received.business_date desc, received.delivery_id desc, received.line_no desc
    ) = 1 and received.change_op <> 'D'
)
group by loan_no;

-- ── the plan as a running total, and the money that came in as another ──────────────────────────────────────────

create or replace temp table plan as
select
    *,
    cast(sum(due) over life as decimal(18, 2)) as ends_at,
    cast(sum(due) over life - due as decimal(18, 2)) as starts_at,
    cast(sum(principal_due) over life as decimal(18, 2)) as principal_to_here,
    cast(sum(interest_due) over life as decimal(18, 2)) as interest_to_here,
    cast(sum(fee_due) over life as decimal(18, 2)) as fee_to_here
from instalment
window life as (
    partition by loan_no order by due_on, instalment_no rows between unbounded preceding and current row
);

create or replace temp table total as
select
    loan_no,
    cast(sum(principal_due) as decimal(18, 2)) as principal,
    cast(sum(interest_due) as decimal(18, 2)) as interest
from instalment
group by loan_no;

-- A returned debit takes its payment back; returning what we do not have does nothing, and a recovery settles nothing.
create or replace temp table ledger as
with effects as (
    select
        payment.* exclude (amount),
        case when payment.kind = 'reversal' then -payment.amount else payment.amount end as amount,
        case
            when payment.kind in ('repayment', 'prepayment') then payment.amount
            when payment.kind = 'reversal' and original.kind in ('repayment', 'prepayment') then -payment.amount
            else 0
        end as effect,
        returned.payment_id is not null as is_reversed
    from payment
    left join payment as original
        on payment.loan_no = original.loan_no and payment.reverses_payment_id = original.payment_id
    left join (
        select distinct loan_no, reverses_payment_id as payment_id from payment where reverses_payment_id is not null
    ) as returned
        on payment.loan_no = returned.loan_no and payment.payment_id = returned.payment_id
)
select
    *,
    row_number() over in_order as nth,
    cast(greatest(sum(effect) over in_order, 0) as decimal(18, 2)) as paid,
    lead(value_on) over (partition by loan_no order by value_on, posted_on, payment_id) as next_on
from effects
window in_order as (
    partition by loan_no order by value_on, posted_on, payment_id rows between unbounded preceding and current row
);

create or replace temp table close as
select loan_no, value_on as day, paid from ledger where next_on is null or next_on > value_on;

-- ── loans paid off before their plan has run out ────────────────────────────────────────────────────────────────
-- Asked on days with a prepayment; once the lender has called the loan settled, on that day and all days with money after it. It
-- takes all principal and what has fallen due of the rest, and holds while that stays paid.

create or replace temp table payoff_question as
with questions as (
    select ledger.loan_no, ledger.value_on as asked_on, min(ledger.nth) as asked_from
    from ledger
    left join milestone using (loan_no)
    where
        ledger.effect <> 0
        and ((ledger.kind = 'prepayment') or ledger.value_on > milestone.settled_claimed_on)
        and ledger.value_on is distinct from milestone.settled_claimed_on
    group by ledger.loan_no, ledger.value_on
    union all
    select loan_no, settled_claimed_on, 0 from milestone where settled_claimed_on is not null
),
asked as (
    select
        questions.*,
        total.principal,
        total.interest,
        coalesce(plan.fee_to_here, 0) as fee_due_by_then,
        total.principal + coalesce(plan.interest_to_here, 0) + coalesce(plan.fee_to_here, 0) - 0.01 as takes
    from questions
    inner join total using (loan_no)
    asof left join plan on questions.loan_no = plan.loan_no and questions.asked_on >= plan.due_on
),
answered as (
    select asked.*, coalesce(close.paid, 0) >= asked.takes as is_met
    from asked
    asof left join close on asked.loan_no = close.loan_no and asked.asked_on >= close.day
)
select
    answered.*,
    (
        select min(close.day)
        from close
        where close.loan_no = answered.loan_no and close.day > answered.asked_on and close.paid < answered.takes
    ) as met_until
from answered;

create or replace temp table payoff as
select
    loan_no,
    asked_on as day,
    max(coalesce(met_until, date '9999-12-31')) over (
        partition by loan_no order by asked_on rows between unbounded preceding and current row
    ) as until
from payoff_question
where is_met;

-- ── a loan's life, one row for every day on which something may change ──────────────────────────────────────────

create or replace temp table life as
with changes as (
    select loan_no, disbursed_on as day, null as paid, null as owed, null as principal_owed from loan
    union all
    select loan_no, day, paid, null, null from close
    union all
    select plan.loan_no, plan.due_on + 1, null, plan.ends_at, plan.principal_to_here
    from plan
    inner join loan using (loan_no)
    where plan.due_on < loan.as_of
    union all
    select loan_no, written_off_on, null, null, null from milestone where written_off_on is not null
    union all
    select loan_no, day, null, null, null from payoff
    union all
    select loan_no, until, null, null, null from payoff where until < date '9999-12-31'
),
days as (
    select loan_no, day, max(paid) as paid, max(owed) as owed, max(principal_owed) as principal_owed
    from changes
    group by loan_no, day
),
running as (
    select
        loan_no, day,
        coalesce(last_value(paid ignore nulls) over so_far, 0) as paid,
        coalesce(max(owed) over so_far, 0) as owed,
        coalesce(max(principal_owed) over so_far, 0) as principal_owed
    from days
    window so_far as (partition by loan_no order by day rows between unbounded preceding and current row)
),
-- the oldest instalment that is short by more than a cent, due or not
at_close as (
    select
        loan.as_of, loan.product, loan.principal, loan.disbursed_on,
        running.*,
        plan.loan_no is null as all_settled,
        plan.due_on as oldest_due,
        plan.starts_at,
        plan.due - plan.principal_due as before_principal,
        plan.principal_due,
        plan.principal_to_here,
        coalesce(running.day < payoff.until, false) as is_paid_off,
        coalesce(running.day >= milestone.written_off_on, false) as is_written_off
    from running
    inner join loan using (loan_no)
    left join milestone using (loan_no)
    asof left join plan on running.loan_no = plan.loan_no and running.paid + 0.01 < plan.ends_at
    asof left join payoff on running.loan_no = payoff.loan_no and running.day >= payoff.day
    where running.day >= loan.disbursed_on and running.day <= loan.as_of
),
positions as (
    select
        loan_no, day, as_of, product, disbursed_on,
        case
            when is_written_off then 'written_off'
            when is_paid_off or all_settled then 'settled'
            else 'active'
        end as state,
        case when state = 'active' and oldest_due < day then oldest_due end as due_since,
        case
            when state <> 'active' then 0
            -- what a cent of tolerance leaves open of the instalment before is principal
            when paid < starts_at then principal - (principal_to_here - principal_due) + starts_at - paid
            else
                principal - (principal_to_here - principal_due)
                - least(greatest(paid - starts_at - before_principal, 0), principal_due)
        end as outstanding_principal,
        case
            when due_since is null then 0
            else
                principal_owed - (principal_to_here - principal_due)
                - least(greatest(paid - starts_at - before_principal, 0), principal_due)
        end as overdue_principal,
        case when due_since is null then 0 else owed - greatest(paid, starts_at) end as overdue_amount
    from at_close
)
select
    * replace (
        cast(outstanding_principal as decimal(18, 2)) as outstanding_principal,
        cast(overdue_principal as decimal(18, 2)) as overdue_principal,
        cast(overdue_amount as decimal(18, 2)) as overdue_amount
    ),
    lead(day) over (partition by loan_no order by day) as until
from positions;

create or replace temp table bucket as
from (values
    ('M0', 0, 0), ('M1', 1, 30), ('M2', 31, 60), ('M3', 61, 90), ('M4', 91, 120), ('M5', 121, 150), ('M6', 151, 180),
    ('M6+', 181, 1000000)
) as bucket (bucket, least_dpd, most_dpd);

create or replace temp macro bucket_of(dpd) as
case when dpd = 0 then 'M0' when dpd > 180 then 'M6+' else 'M' || ((dpd + 29) // 30) end;

-- ── the marts ───────────────────────────────────────────────────────────────────────────────────────────────────

create or replace table built.fct_loan_current as
select
    loan.lender, loan.loan_id, life.as_of as as_of_date, life.state,
    coalesce(life.as_of - life.due_since, 0) as dpd,
    dpd as contractual_dpd,
    case when life.state = 'active' then bucket_of(dpd) else life.state end as bucket,
    life.due_since as oldest_unpaid_due_on,
    life.outstanding_principal, life.overdue_principal, life.overdue_amount
from life
inner join loan using (loan_no)
where life.until is null;

create or replace table built.fct_loan_month as
with worst as (
    select
        *,
        max(coalesce(until - 1 - due_since, 0)) over before as worst_before,
        max(case when state = 'active' then until end) over (
            partition by loan_no order by day rows between unbounded preceding and current row
        ) as left_on
    from life
    window before as (partition by loan_no order by day rows between unbounded preceding and 1 preceding)
),
-- a loan that has left the book is shown at the first month-end after
shown as (
    select
        *,
        least(coalesce(until - 1, as_of), case when state <> 'active' then last_day(left_on) end) as through
    from worst
),
month_ends as (
    select
        *,
        last_day(cast(unnest(
            generate_series(date_trunc('month', day), date_trunc('month', through), interval 1 month)
        ) as date)) as month_end
    from shown
    where last_day(day) <= through
),
at_close as (
    select
        loan.lender, loan.loan_id, month_ends.* exclude (loan_no),
        coalesce(month_ends.month_end - month_ends.due_since, 0) as dpd
    from month_ends
    inner join loan using (loan_no)
    where month_ends.month_end <= month_ends.through
)
select
    at_close.lender, at_close.loan_id, at_close.month_end, at_close.product,
    cast(datediff('month', at_close.disbursed_on, at_close.month_end) as integer) as mob,
    at_close.state,
    case when at_close.state = 'active' then bucket_of(at_close.dpd) else at_close.state end as bucket,
    at_close.dpd,
    at_close.dpd as contractual_dpd,
    at_close.outstanding_principal, at_close.overdue_principal, at_close.overdue_amount,
    greatest(at_close.dpd, coalesce(at_close.worst_before, 0)) as max_dpd_to_date
from at_close;

create or replace table built.mart_delinquency_daily as
with segment as (
    select
        loan.lender, life.product, bucket.bucket,
        greatest(life.day, coalesce(life.due_since + bucket.least_dpd, life.day)) as starts_on,
        least(
            coalesce(life.until, date '9999-12-31'), coalesce(life.due_since + bucket.most_dpd + 1, date '9999-12-31')
        ) as ends_on,
        life.outstanding_principal, life.overdue_principal, life.overdue_amount
    from life
    inner join loan using (loan_no)
    inner join bucket
        on case
            when life.due_since is null then bucket.least_dpd = 0
            else
                bucket.least_dpd > 0
                and life.due_since + bucket.least_dpd < coalesce(life.until, life.as_of + 1)
                and life.due_since + bucket.most_dpd >= life.day
        end
    where life.state = 'active'
),
changes as (
    select
        lender, product, bucket, starts_on as day, count(*) as loans, sum(outstanding_principal) as outstanding_principal,
        sum(overdue_principal) as overdue_principal, sum(overdue_amount) as overdue_amount
    from segment
    group by all
    union all
    select
        lender, product, bucket, ends_on, -count(*), -sum(outstanding_principal), -sum(overdue_principal),
        -sum(overdue_amount)
    from segment
    group by all
),
grid as (
    select lender, product, cast(unnest(generate_series(min(disbursed_on), max(as_of), interval 1 day)) as date) as day
    from loan
    group by lender, product
),
stock as (
    select
        grid.lender, grid.product, grid.day, bucket.bucket,
        sum(coalesce(changes.loans, 0)) over so_far as loans,
        sum(coalesce(changes.outstanding_principal, 0)) over so_far as outstanding_principal,
        sum(coalesce(changes.overdue_principal, 0)) over so_far as overdue_principal,
        sum(coalesce(changes.overdue_amount, 0)) over so_far as overdue_amount
    from grid
    cross join bucket
    left join (
        select
            lender, product, bucket, day, sum(loans) as loans, sum(outstanding_principal) as outstanding_principal,
            sum(overdue_principal) as overdue_principal, sum(overdue_amount) as overdue_amount
        from changes
        group by lender, product, bucket, day
    ) as changes using (lender, product, bucket, day)
    window so_far as (
        partition by grid.lender, grid.product, bucket.bucket order by grid.day
        rows between unbounded preceding and current row
    )
)
select
    lender, product, day as as_of_date, bucket, cast(loans as bigint) as loans,
    cast(outstanding_principal as decimal(18, 2)) as outstanding_principal,
    cast(overdue_principal as decimal(18, 2)) as overdue_principal,
    cast(overdue_amount as decimal(18, 2)) as overdue_amount
from stock
qualify sum(loans) over (partition by lender, product, day) > 0;

-- What a payment was for is what all money covers with it less what it covered before it. A loan that is paid off has its
-- principal first, then what had fallen due of fees; the rest is interest.
create or replace table built.fct_payment as
with covered as (
    select
        ledger.loan_no, ledger.nth, ledger.value_on, ledger.effect, ledger.paid,
        plan.fee_to_here - plan.fee_due + least(ledger.paid - plan.starts_at, plan.fee_due) as fee,
        plan.interest_to_here - plan.interest_due
        + least(greatest(ledger.paid - plan.starts_at - plan.fee_due, 0), plan.interest_due) as interest,
        plan.principal_to_here - plan.principal_due
        + least(greatest(ledger.paid - plan.starts_at - plan.fee_due - plan.interest_due, 0), plan.principal_due)
            as principal
    from ledger
    asof inner join plan on ledger.loan_no = plan.loan_no and ledger.paid >= plan.starts_at
),
two_sides as (
    select
        *,
        lag(paid, 1, 0) over one_by_one as paid_before,
        lag(fee, 1, 0) over one_by_one as fee_before,
        lag(interest, 1, 0) over one_by_one as interest_before,
        lag(principal, 1, 0) over one_by_one as principal_before
    from covered
    window one_by_one as (partition by loan_no order by nth)
),
sides as (
    select loan_no, nth, value_on, nth as counted, paid, true as is_after from two_sides where effect <> 0
    union all
    select loan_no, nth, value_on, nth - 1, paid_before, false from two_sides where effect <> 0
),
paid_off as (
    select
        sides.loan_no, sides.nth, sides.is_after,
        any_value(least(sides.paid, question.principal)) as principal,
        any_value(greatest(sides.paid - question.principal, 0)) as beside_principal,
        any_value(question.interest) as most_interest,
        arg_min(question.fee_due_by_then, question.asked_on) as most_fee
    from sides
    inner join payoff_question as question
        on
            sides.loan_no = question.loan_no
            and sides.value_on >= question.asked_on
            and sides.counted >= question.asked_from
            and sides.paid >= question.takes
            and (
                sides.value_on = question.asked_on
                or (question.is_met and (question.met_until is null or sides.value_on <= question.met_until))
            )
    group by sides.loan_no, sides.nth, sides.is_after
),
split as (
    select
        *,
        least(beside_principal, most_fee) as fee,
        least(greatest(beside_principal - most_fee, 0), most_interest) as interest
    from paid_off
),
allocated as (
    select
        two_sides.loan_no, two_sides.nth,
        coalesce(after.principal, two_sides.principal) - coalesce(before.principal, two_sides.principal_before)
            as principal,
        coalesce(after.interest, two_sides.interest) - coalesce(before.interest, two_sides.interest_before) as interest,
        coalesce(after.fee, two_sides.fee) - coalesce(before.fee, two_sides.fee_before) as fee
    from two_sides
    left join split as after
        on two_sides.loan_no = after.loan_no and two_sides.nth = after.nth and after.is_after
    left join split as before
        on two_sides.loan_no = before.loan_no and two_sides.nth = before.nth and not before.is_after
    where two_sides.effect <> 0
)
select
    loan.lender, ledger.payment_id, loan.loan_id, ledger.value_on, ledger.posted_on, ledger.kind, ledger.amount,
    cast(coalesce(allocated.principal, 0) as decimal(18, 2)) as principal,
    cast(coalesce(allocated.interest, 0) as decimal(18, 2)) as interest,
    cast(coalesce(allocated.fee, 0) as decimal(18, 2)) as fee,
    cast(0 as decimal(18, 2)) as penalty,
    cast(
        ledger.amount - coalesce(allocated.principal + allocated.interest + allocated.fee, 0) as decimal(18, 2)
    ) as unallocated,
    ledger.is_reversed
from ledger
inner join loan using (loan_no)
left join allocated using (loan_no, nth);

-- An instalment is settled for good on the first day from which on the money never falls below its end again.
create or replace table built.fct_instalment as
with kept as (
    select loan_no, least_paid, min(day) as day
    from (
        select
            close.loan_no, close.day,
            min(close.paid) over (
                partition by close.loan_no order by close.day rows between current row and unbounded following
            ) as least_paid
        from close
        inner join loan using (loan_no)
        where close.day <= loan.as_of
    )
    group by loan_no, least_paid
),
final as (
    select
        loan_no, any_value(as_of) as as_of, arg_max(state, day) as state,
        max(until) filter (where state = 'active') as left_on
    from life
    group by loan_no
),
judged as (
    select
        plan.*,
        final.as_of, final.state,
        least(greatest(coalesce(close.paid, 0) - plan.starts_at, 0), plan.due) as covered,
        coalesce(kept.day, case when final.state = 'settled' then final.left_on end) as settled_on
    from plan
    inner join final using (loan_no)
    asof left join close on plan.loan_no = close.loan_no and final.as_of >= close.day
    asof left join kept on plan.loan_no = kept.loan_no and plan.ends_at - 0.01 <= kept.least_paid
)
select
    loan.lender, loan.loan_id, judged.schedule_version, judged.instalment_no, judged.due_on,
    judged.principal_due, judged.interest_due, judged.fee_due,
    cast(
        least(greatest(judged.covered - judged.fee_due - judged.interest_due, 0), judged.principal_due) as decimal(18, 2)
    ) as principal_paid,
    cast(least(greatest(judged.covered - judged.fee_due, 0), judged.interest_due) as decimal(18, 2)) as interest_paid,
    cast(least(judged.covered, judged.fee_due) as decimal(18, 2)) as fee_paid,
    judged.settled_on,
    case
        when judged.settled_on is not null then greatest(judged.settled_on - judged.due_on, 0)
        when judged.state = 'active' then greatest(judged.as_of - judged.due_on, 0)
    end as days_late,
    case
        when judged.settled_on > judged.due_on then 'paid_late'
        when judged.settled_on is not null then 'paid'
        when judged.state <> 'active' then 'written_off'
        when judged.due_on >= judged.as_of then 'not_due'
        when judged.covered > 0 then 'partial'
        else 'overdue'
    end as status
from judged
inner join loan using (loan_no);
