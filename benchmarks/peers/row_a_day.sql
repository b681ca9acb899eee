-- The model that everyone writes first: a row for every loan and day of its life, with what was due and what had been paid by
-- then, and the daily book grouped from those rows. Right to the cent on a plain book (scenario `plain`; the same
-- conventions as build.duckdb.sql), for one loan in so many (share).

create schema row_a_day;

create unlogged table row_a_day.loan as
with newest as (
    select distinct on (sent.lender, sent.loan_id) sent.*
    from raw.loan as sent
    inner join ops.delivery as deliveries
        on sent.delivery_id = deliveries.delivery_id and deliveries.status = 'accepted'
    where mod(abs(cast(hashtext(sent.loan_id) as bigint)), %(share)s) = 0
    order by sent.lender, sent.loan_id, sent.changed_at desc, sent.delivery_id desc, sent.line_no desc
)
select newest.lender, newest.loan_id, newest.product, newest.disbursed_on, lenders.as_of
from newest
inner join (
    select lender, max(business_date) as as_of from ops.delivery where status = 'accepted' group by lender
) as lenders on newest.lender = lenders.lender
where newest.change_op <> 'D';

analyze row_a_day.loan;

create unlogged table row_a_day.instalment as
with newest as (
    select distinct on (sent.lender, sent.loan_id, sent.instalment_no) sent.*
    from raw.instalment as sent
    inner join ops.delivery as deliveries
        on sent.delivery_id = deliveries.delivery_id and deliveries.status = 'accepted'
    inner join row_a_day.loan as loans on sent.lender = loans.lender and sent.loan_id = loans.loan_id
    order by
        sent.lender, sent.loan_id, sent.instalment_no, sent.changed_at desc, sent.delivery_id desc, sent.line_no desc
)
select
    lender, loan_id, due_on, principal_due,
    interest_due + fee_due as beside_principal,
    sum(principal_due + interest_due + fee_due) over life - (principal_due + interest_due + fee_due) as starts_at,
    sum(principal_due + interest_due + fee_due) over life as ends_at
from newest
where change_op <> 'D'
window life as (partition by lender, loan_id order by due_on, instalment_no rows unbounded preceding);

analyze row_a_day.instalment;

create unlogged table row_a_day.received_payment as
with newest as (
    select distinct on (sent.lender, sent.payment_id) sent.*
    from raw.payment as sent
    inner join ops.delivery as deliveries
        on sent.delivery_id = deliveries.delivery_id and deliveries.status = 'accepted'
    inner join row_a_day.loan as loans on sent.lender = loans.lender and sent.loan_id = loans.loan_id
    order by sent.lender, sent.payment_id, sent.changed_at desc, sent.delivery_id desc, sent.line_no desc
)
select lender, payment_id, loan_id, value_on, kind, amount, reverses_payment_id from newest where change_op <> 'D';

analyze row_a_day.received_payment;

-- recoveries, and what takes them back, settle nothing
create unlogged table row_a_day.payment as
select
    payments.lender, payments.loan_id, payments.value_on,
    sum(case when payments.kind = 'reversal' then -payments.amount else payments.amount end) as amount,
    bool_or(payments.kind = 'prepayment') as is_prepaid
from row_a_day.received_payment as payments
left join row_a_day.received_payment as originals
    on payments.lender = originals.lender and payments.reverses_payment_id = originals.payment_id
where payments.kind <> 'recovery' and (payments.kind <> 'reversal' or originals.kind <> 'recovery')
group by payments.lender, payments.loan_id, payments.value_on;

analyze row_a_day.payment;

create unlogged table row_a_day.loan_end as
with newest as (
    select distinct on (sent.lender, sent.loan_id, sent.kind, sent.event_on) sent.*
    from raw.loan_event as sent
    inner join ops.delivery as deliveries
        on sent.delivery_id = deliveries.delivery_id and deliveries.status = 'accepted'
    order by
        sent.lender, sent.loan_id, sent.kind, sent.event_on, sent.changed_at desc, sent.delivery_id desc, sent.line_no desc
)
select
    lender, loan_id,
    min(event_on) filter (where kind = 'written_off') as written_off_on,
    min(event_on) filter (where kind = 'settled') as settled_claimed_on
from newest
where change_op <> 'D'
group by lender, loan_id;

analyze row_a_day.loan_end;

-- What is paid by the close of every day, and on which days that pays the loan off before its plan has run out: all principal
-- and what has fallen due of the rest, asked on days with a prepayment, on the day on which the lender calls the loan
-- settled, and on days with money after that.
create unlogged table row_a_day.paid as
select
    loans.lender, loans.loan_id, cast(calendar.day as date) as day, loans.product,
    coalesce(ends.written_off_on <= calendar.day, false) as is_written_off,
    coalesce(payments.is_prepaid, false)
    or coalesce(ends.settled_claimed_on < calendar.day and payments.amount is not null, false)
    or coalesce(ends.settled_claimed_on = calendar.day, false) as is_asked,
    sum(coalesce(payments.amount, 0)) over (
        partition by loans.lender, loans.loan_id order by calendar.day rows unbounded preceding
    ) as paid
from row_a_day.loan as loans
cross join lateral generate_series(loans.disbursed_on, loans.as_of, interval '1 day') as calendar (day)
left join row_a_day.loan_end as ends on loans.lender = ends.lender and loans.loan_id = ends.loan_id
left join row_a_day.payment as payments
    on loans.lender = payments.lender and loans.loan_id = payments.loan_id and calendar.day = payments.value_on;

analyze row_a_day.paid;

create unlogged table row_a_day.payoff as
with asked as (
    select
        days.lender, days.loan_id, days.day as paid_off_on, days.paid,
        sum(instalments.principal_due)
        + coalesce(sum(instalments.beside_principal) filter (where instalments.due_on <= days.day), 0) - 0.01 as takes
    from row_a_day.paid as days
    inner join row_a_day.instalment as instalments
        on days.lender = instalments.lender and days.loan_id = instalments.loan_id
    where days.is_asked
    group by days.lender, days.loan_id, days.day, days.paid
)
select
    asked.lender, asked.loan_id, asked.paid_off_on,
    coalesce(min(later.day), 'infinity') as paid_off_until
from asked
left join row_a_day.paid as later
    on
        asked.lender = later.lender
        and asked.loan_id = later.loan_id
        and asked.paid_off_on < later.day
        and asked.takes > later.paid
where asked.paid >= asked.takes
group by asked.lender, asked.loan_id, asked.paid_off_on;

analyze row_a_day.payoff;

create unlogged table row_a_day.loan_day as
select
    lender, loan_id, product, day,
    is_written_off or bool_and(amount_left <= 0.01) as has_left,
    sum(principal_left) as outstanding_principal,
    coalesce(day - min(due_on) filter (where due_on < day and amount_left > 0.01), 0) as dpd,
    coalesce(sum(principal_left) filter (where due_on < day and amount_left > 0.01), 0) as overdue_principal,
    coalesce(sum(amount_left) filter (where due_on < day and amount_left > 0.01), 0) as overdue_amount
from (
    select
        days.lender, days.loan_id, days.product, days.day, days.is_written_off, instalments.due_on,
        instalments.ends_at - least(greatest(days.paid, instalments.starts_at), instalments.ends_at) as amount_left,
        least(
            instalments.ends_at - least(greatest(days.paid, instalments.starts_at), instalments.ends_at),
            instalments.principal_due
        ) as principal_left
    from row_a_day.paid as days
    inner join row_a_day.instalment as instalments
        on days.lender = instalments.lender and days.loan_id = instalments.loan_id
) as what_is_left
group by lender, loan_id, product, day, is_written_off;

create unlogged table row_a_day.mart_delinquency_daily as
select
    days.lender, days.product, days.day as as_of_date,
    case
        when days.dpd = 0 then 'M0'
        when days.dpd <= 30 then 'M1'
        when days.dpd <= 60 then 'M2'
        when days.dpd <= 90 then 'M3'
        when days.dpd <= 120 then 'M4'
        when days.dpd <= 150 then 'M5'
        when days.dpd <= 180 then 'M6'
        else 'M6+'
    end as bucket,
    count(*) as loans,
    sum(days.outstanding_principal) as outstanding_principal,
    sum(days.overdue_principal) as overdue_principal,
    sum(days.overdue_amount) as overdue_amount
from row_a_day.loan_day as days
where
    not days.has_left
    and not exists (
        select 1
        from row_a_day.payoff as payoffs
        where
            days.lender = payoffs.lender
            and days.loan_id = payoffs.loan_id
            and days.day >= payoffs.paid_off_on
            and days.day < payoffs.paid_off_until
    )
group by days.lender, days.product, days.day, 4;
