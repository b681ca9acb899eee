-- What a plan that is ever in force comes to: all its principal, how many of its instalments are short before
-- anything is paid, its largest tolerance, and its turn among the plans of its loan.
with

totals as (
    select
        lender,
        loan_id,
        plan_no,
        sum(principal_due) as principal_due,
        sum(case when {{ is_short('owed', 'tolerance') }} then 1 else 0 end) as instalments_short,
        max(tolerance) as tolerance
    from {{ touched('int_instalment') }}
    group by lender, loan_id, plan_no
)

select
    plans.lender,
    plans.loan_id,
    plans.plan_no,
    plans.in_force_from,
    plans.in_force_until,
    plans.outstanding,
    cast(
        row_number() over (partition by plans.lender, plans.loan_id order by plans.in_force_from) as integer
    ) as plan_in_turn,
    {{ money('coalesce(totals.principal_due, 0)') }} as principal_due,
    cast(coalesce(totals.instalments_short, 0) as integer) as instalments_short,
    {{ money('greatest(plans.tol_abs, coalesce(totals.tolerance, 0))') }} as balance_tolerance
from {{ touched('int_plan') }} as plans
left join totals
    on plans.lender = totals.lender and plans.loan_id = totals.loan_id and plans.plan_no = totals.plan_no
where plans.in_force_from < plans.in_force_until
