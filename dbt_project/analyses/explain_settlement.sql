-- What every payment by the close of the day asked about did to the instalments of the plan in force on it, in the order in
-- which the payments count. Below zero: it took money back.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
select
    settlements.lender,
    settlements.loan_id,
    settlements.payment_id,
    instalments.schedule_version,
    instalments.instalment_no,
    {% for component in components() | reverse -%}
    settlements.{{ component }},
    {% endfor -%}
    settlements.owed as counted
from {{ ref('int_settlement') }} as settlements
inner join {{ ref('int_instalment') }} as instalments
    on
        settlements.lender = instalments.lender
        and settlements.loan_id = instalments.loan_id
        and settlements.plan_no = instalments.plan_no
        and settlements.seq = instalments.seq
where
    settlements.value_on <= {{ day }}
    and instalments.in_force_from <= {{ day }}
    and instalments.in_force_until > {{ day }}
order by settlements.lender, settlements.loan_id, settlements.payment_no, instalments.seq
