-- Every instalment of every schedule version, oldest first, with its place in the waterfall: at which amount paid in
-- all each of its components starts to be covered, and at which it counts as settled.
{%- set components = ['penalty', 'fee', 'interest', 'principal'] %}
with

with_conventions as (
    select
        instalments.lender,
        instalments.loan_id,
        instalments.schedule_version,
        instalments.instalment_no,
        instalments.due_on,
        instalments.principal_due,
        instalments.interest_due,
        instalments.fee_due,
        instalments.penalty_due,
        instalments.principal_due + instalments.interest_due + instalments.fee_due as owed,
        instalments.principal_due + instalments.interest_due + instalments.fee_due + instalments.penalty_due as charged,
        loans.first_day,
        loans.tol_abs,
        loans.tol_pct,
        {% for component in components -%}
        position('{{ component }}' in loans.allocation_order) as {{ component }}_rank{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('stg_instalment') }} as instalments
    inner join {{ ref('int_loan') }} as loans
        on instalments.lender = loans.lender and instalments.loan_id = loans.loan_id
),

-- A version is in force from its effective date until the next one's; the first from the start of the loan. A later
-- one that does not say since when counts from the day it was delivered.
version_starts as (
    select
        lender,
        loan_id,
        schedule_version,
        coalesce(min(effective_on), min(business_date)) as effective_on,
        row_number() over (partition by lender, loan_id order by schedule_version) as version_rank
    from {{ ref('stg_instalment') }}
    group by lender, loan_id, schedule_version
),

versions as (
    select
        lender,
        loan_id,
        schedule_version,
        version_rank = 1 as is_original,
        case when version_rank = 1 then cast('0001-01-01' as date) else effective_on end as in_force_from,
        coalesce(
            lead(effective_on) over (partition by lender, loan_id order by schedule_version), cast('9999-12-31' as date)
        ) as in_force_until
    from version_starts
),

with_tolerance as (
    select
        *,
        greatest(tol_abs, round(tol_pct * owed, 2)) as tolerance
    from with_conventions
),

numbered as (
    select
        *,
        row_number() over schedule as seq,
        {% for component in components -%}
        sum({{ component }}_due) over schedule - {{ component }}_due as {{ component }}_before,
        {% endfor -%}
        -- an instalment within the tolerance is never short, and never overdue
        sum(case when owed > tolerance then owed else 0 end) over schedule as owed_to_date,
        sum(case when owed > tolerance then principal_due else 0 end) over schedule as principal_to_date,
        sum(charged) over schedule - charged as owed_before
    from with_tolerance
    window schedule as (
        partition by lender, loan_id, schedule_version
        order by due_on, instalment_no
        rows between unbounded preceding and current row
    )
),

placed as (
    select
        *,
        {% for component in components -%}
        owed_before
        {%- for other in components if other != component %}
        + case when {{ other }}_rank < {{ component }}_rank then {{ other }}_due else 0 end
        {%- endfor %} as {{ component }}_starts_at{{ ',' if not loop.last }}
        {% endfor %}
    from numbered
),

-- An instalment is settled when all of principal, interest and fee is covered up to the tolerance. A penalty that the
-- order puts behind them is not waited for. One that owes next to nothing is never short (null here).
thresholds as (
    select
        *,
        case
            when owed > tolerance
                then
                    greatest(
                        case when principal_due > 0 then principal_starts_at + principal_due else 0 end,
                        case when interest_due > 0 then interest_starts_at + interest_due else 0 end,
                        case when fee_due > 0 then fee_starts_at + fee_due else 0 end
                    ) - tolerance
        end as own_settle_at
    from placed
)

select
    thresholds.lender,
    thresholds.loan_id,
    thresholds.schedule_version,
    thresholds.instalment_no,
    thresholds.seq,
    thresholds.due_on,
    versions.is_original,
    versions.in_force_from,
    versions.in_force_until,
    thresholds.principal_due,
    thresholds.interest_due,
    thresholds.fee_due,
    thresholds.penalty_due,
    {{ money('thresholds.owed') }} as owed,
    {{ money('thresholds.owed_to_date') }} as owed_to_date,
    {{ money('thresholds.principal_to_date') }} as principal_to_date,
    {{ money('thresholds.tolerance') }} as tolerance,
    thresholds.first_day,
    {{ money('thresholds.principal_before') }} as principal_before,
    {{ money('thresholds.interest_before') }} as interest_before,
    {{ money('thresholds.fee_before') }} as fee_before,
    {{ money('thresholds.penalty_before') }} as penalty_before,
    {{ money('thresholds.owed_before') }} as owed_before,
    {{ money('thresholds.principal_starts_at') }} as principal_starts_at,
    {{ money('thresholds.interest_starts_at') }} as interest_starts_at,
    {{ money('thresholds.fee_starts_at') }} as fee_starts_at,
    {{ money('thresholds.penalty_starts_at') }} as penalty_starts_at,
    -- never short by itself: settled with those before it
    cast(coalesce(
        max(thresholds.own_settle_at) over (
            partition by thresholds.lender, thresholds.loan_id, thresholds.schedule_version
            order by thresholds.seq
            rows between unbounded preceding and current row
        ),
        0
    ) as numeric(18, 2)) as settle_at
from thresholds
inner join versions
    on
        thresholds.lender = versions.lender
        and thresholds.loan_id = versions.loan_id
        and thresholds.schedule_version = versions.schedule_version
