-- Every instalment of the plans that speak on the day asked about: the one in force, and the original schedule, which goes
-- on counting the contractual days past due. What is settled of it by then, and since when. A settled loan leaves
-- nothing open: what a payoff made void was settled with it.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
with

plans as (
    select *, in_force_from <= {{ day }} and in_force_until > {{ day }} as is_in_force
    from {{ ref('int_plan') }}
    where era_from <= {{ day }} and era_until > {{ day }}
),

balances as (
    select
        *,
        max(case when is_short then valid_to end) over (
            partition by lender, loan_id, plan_no, seq order by valid_from
            rows between unbounded preceding and current row
        ) as short_until
    from {{ ref('int_instalment_balance') }}
    where valid_from <= {{ day }}
),

-- with the day on which a loan last left the book; null for one that never was in it
states as (
    select
        *,
        max(case when not is_terminal then valid_to end) over (
            partition by lender, loan_id order by valid_from rows between unbounded preceding and current row
        ) as left_on
    from {{ ref('int_loan_state') }}
),

settled_loans as (
    select lender, loan_id, coalesce(left_on, valid_from) as settled_on
    from states
    where state = 'settled' and valid_from <= {{ day }} and coalesce(valid_to, {{ last_day_ever() }}) > {{ day }}
),

-- the instalments that days past due are counted from come first
overdue as (
    select
        *,
        row_number() over (partition by lender, loan_id, track order by clock_due_on, seq) as oldest_first
    from {{ ref('int_shortage') }}
    where short_from <= {{ day }} and short_until > {{ day }}
)

select
    instalments.lender,
    instalments.loan_id,
    plans.is_in_force,
    plans.is_original,
    instalments.schedule_version,
    instalments.instalment_no,
    instalments.due_on,
    balances.clock_due_on,
    instalments.overdue_from,
    {% for component in components() | reverse -%}
    instalments.{{ component }}_due,
    {{ money('instalments.' ~ component ~ '_due - balances.' ~ component ~ '_left') }} as {{ component }}_settled,
    {% endfor -%}
    instalments.owed,
    {{ money('instalments.owed - balances.owed_left') }} as settled,
    {{ money('case when settled_loans.lender is null then balances.owed_left else 0 end') }} as short,
    instalments.tolerance,
    balances.is_short and settled_loans.lender is null as is_short,
    case
        when balances.is_short then settled_loans.settled_on
        else coalesce(balances.short_until, instalments.due_on)
    end as settled_on,
    coalesce(current_track.oldest_first = 1, false) as is_oldest_unpaid,
    coalesce(contractual_track.oldest_first = 1, false) as is_contractual_oldest_unpaid,
    current_track.lender is not null as is_overdue,
    sent.file_id,
    sent.line_no
from {{ ref('int_instalment') }} as instalments
inner join plans
    on
        instalments.lender = plans.lender
        and instalments.loan_id = plans.loan_id
        and instalments.plan_no = plans.plan_no
        and (plans.is_in_force or plans.is_original)
inner join balances
    on
        instalments.lender = balances.lender
        and instalments.loan_id = balances.loan_id
        and instalments.plan_no = balances.plan_no
        and instalments.seq = balances.seq
        and coalesce(balances.valid_to, {{ last_day_ever() }}) > {{ day }}
inner join {{ ref('stg_instalment') }} as sent
    on
        instalments.lender = sent.lender
        and instalments.loan_id = sent.loan_id
        and instalments.schedule_version = sent.schedule_version
        and instalments.instalment_no = sent.instalment_no
left join settled_loans
    on instalments.lender = settled_loans.lender and instalments.loan_id = settled_loans.loan_id
{% for track in ['current', 'contractual'] -%}
left join overdue as {{ track }}_track
    on
        instalments.lender = {{ track }}_track.lender
        and instalments.loan_id = {{ track }}_track.loan_id
        and instalments.plan_no = {{ track }}_track.plan_no
        and instalments.seq = {{ track }}_track.seq
        and {{ track }}_track.track = '{{ track }}'
{% endfor -%}
order by instalments.lender, instalments.loan_id, plans.is_in_force desc, instalments.seq
