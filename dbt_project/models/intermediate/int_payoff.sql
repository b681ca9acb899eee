-- When loans were paid off before their schedule ran out: [paid_off_on, paid_off_until) (null: still). A payoff holds
-- while what was demanded stays paid at every close.
with

met as (
    select
        *,
        max(coalesce(met_until, {{ last_day_ever() }})) over (
            partition by lender, loan_id order by asked_on rows between unbounded preceding and 1 preceding
        ) as held_before_until
    from {{ touched('int_payoff_demand') }}
    where is_met
)

-- while an earlier payoff holds, a later one has nothing to say
select
    lender,
    loan_id,
    greatest(asked_on, held_before_until) as paid_off_on,
    met_until as paid_off_until,
    paid_off_at,
    principal_total
from met
where held_before_until is null or held_before_until < coalesce(met_until, {{ last_day_ever() }})
