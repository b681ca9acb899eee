-- The stretches [observed_from, observed_until) in which a loan is under observation after relief: at least a year from
-- the first due date after it, and until two repayment periods in a row have passed without a day past due. Relief
-- within a stretch starts the year again. The last state of a loan is carried on as if nothing happened, so an end may
-- lie ahead: who asks, asks up to data_as_of. Rules on Risk Classification of Financial Assets of Commercial Banks
-- (China, 2023), articles 19 to 24.
with

relief as (
    select lender, loan_id, relieved_on from {{ touched('int_restructuring') }}
),

relieved_loans as (
    select lender, loan_id from relief group by lender, loan_id
),

versions as (
    select versions.lender, versions.loan_id, versions.schedule_version, versions.in_force_from, versions.in_force_until
    from {{ touched('int_schedule_version') }} as versions
    inner join relieved_loans
        on versions.lender = relieved_loans.lender and versions.loan_id = relieved_loans.loan_id
    where versions.in_force_from < versions.in_force_until
),

-- all due dates of each version, also those before it was in force
due_dates as (
    select versions.lender, versions.loan_id, versions.in_force_from, versions.in_force_until, instalments.due_on
    from versions
    inner join {{ touched('stg_instalment') }} as instalments
        on
            versions.lender = instalments.lender
            and versions.loan_id = instalments.loan_id
            and versions.schedule_version = instalments.schedule_version
    group by versions.lender, versions.loan_id, versions.in_force_from, versions.in_force_until, instalments.due_on
),

first_dues as (
    select
        relief.lender,
        relief.loan_id,
        relief.relieved_on,
        {{ add_months('coalesce(min(due_dates.due_on), relief.relieved_on)', 12) }} as year_over_on
    from relief
    left join due_dates
        on
            relief.lender = due_dates.lender
            and relief.loan_id = due_dates.loan_id
            and relief.relieved_on >= due_dates.in_force_from
            and relief.relieved_on < due_dates.in_force_until
            and relief.relieved_on < due_dates.due_on
    group by relief.lender, relief.loan_id, relief.relieved_on
),

-- Once a period was not clean, nothing but another one makes two of them: so an observation can end when the year is
-- over, on a due date after that, or when another schedule comes into force.
possible_ends as (
    select lender, loan_id, relieved_on, year_over_on as day from first_dues
    union
    select first_dues.lender, first_dues.loan_id, first_dues.relieved_on, due_dates.due_on as day
    from first_dues
    inner join due_dates
        on
            first_dues.lender = due_dates.lender
            and first_dues.loan_id = due_dates.loan_id
            and first_dues.year_over_on < due_dates.due_on
            and due_dates.due_on >= due_dates.in_force_from
            and due_dates.due_on < due_dates.in_force_until
    union
    select first_dues.lender, first_dues.loan_id, first_dues.relieved_on, versions.in_force_from as day
    from first_dues
    inner join versions
        on
            first_dues.lender = versions.lender
            and first_dues.loan_id = versions.loan_id
            and first_dues.year_over_on < versions.in_force_from
),

due_before as (
    select
        possible_ends.lender,
        possible_ends.loan_id,
        possible_ends.relieved_on,
        possible_ends.day,
        due_dates.due_on,
        row_number() over (
            partition by possible_ends.lender, possible_ends.loan_id, possible_ends.relieved_on, possible_ends.day
            order by due_dates.due_on desc
        ) as last_first
    from possible_ends
    left join due_dates
        on
            possible_ends.lender = due_dates.lender
            and possible_ends.loan_id = due_dates.loan_id
            and possible_ends.day >= due_dates.in_force_from
            and possible_ends.day < due_dates.in_force_until
            and possible_ends.day >= due_dates.due_on
),

-- the two periods reach back to the last due date but one; without two due dates, to the relief
periods as (
    select
        lender,
        loan_id,
        relieved_on,
        day,
        coalesce(max(case when last_first = 2 then due_on end), relieved_on) as periods_from
    from due_before
    group by lender, loan_id, relieved_on, day
),

overdue as (
    select
        states.lender,
        states.loan_id,
        states.valid_from,
        coalesce(states.valid_to, {{ last_day_ever() }}) as late_until,
        {{ first_day_at_dpd('states', 1) }} as reached_on
    from {{ touched('int_loan_state') }} as states
    inner join relieved_loans
        on states.lender = relieved_loans.lender and states.loan_id = relieved_loans.loan_id
    where not states.is_terminal and states.overdue_amount > 0
),

late as (
    select lender, loan_id, greatest(valid_from, reached_on) as late_from, late_until
    from overdue
    where reached_on < late_until
),

clean_ends as (
    select periods.lender, periods.loan_id, periods.relieved_on, periods.day
    from periods
    left join late
        on
            periods.lender = late.lender
            and periods.loan_id = late.loan_id
            and periods.day >= late.late_from
            and periods.periods_from < late.late_until
    where late.lender is null
),

observations as (
    select
        relief.lender,
        relief.loan_id,
        relief.relieved_on,
        coalesce(min(clean_ends.day), {{ last_day_ever() }}) as observed_until
    from relief
    left join clean_ends
        on
            relief.lender = clean_ends.lender
            and relief.loan_id = clean_ends.loan_id
            and relief.relieved_on = clean_ends.relieved_on
    group by relief.lender, relief.loan_id, relief.relieved_on
),

with_reach as (
    select
        *,
        max(observed_until) over (
            partition by lender, loan_id order by relieved_on
            rows between unbounded preceding and 1 preceding
        ) as reach_before
    from observations
),

stretches as (
    select
        *,
        sum(case when relieved_on <= reach_before then 0 else 1 end) over (
            partition by lender, loan_id order by relieved_on
            rows between unbounded preceding and current row
        ) as stretch_no
    from with_reach
)

select
    lender,
    loan_id,
    min(relieved_on) as observed_from,
    nullif(max(observed_until), {{ last_day_ever() }}) as observed_until
from stretches
group by lender, loan_id, stretch_no
