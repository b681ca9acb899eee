{{ config(meta={'tracks_changes': true}) }}
-- How much cash came in on what every loan owed in a month, by the month it came in. A waiver is no cash; money that
-- was returned comes off again. What was paid ahead is there when the month ends.
select
    due.lender,
    due.loan_id,
    due.product,
    due.due_month,
    greatest(due.due_month, {{ month_end('settlements.value_on') }}) as month_end,
    {{ money('sum(settlements.owed)') }} as amount
from {{ touched('int_due_instalment') }} as due
inner join {{ touched('int_settlement') }} as settlements
    on
        due.lender = settlements.lender
        and due.loan_id = settlements.loan_id
        and due.plan_no = settlements.plan_no
        and due.seq = settlements.seq
where due.is_owed and settlements.is_cash
group by
    due.lender, due.loan_id, due.product, due.due_month,
    greatest(due.due_month, {{ month_end('settlements.value_on') }})
