-- Every instalment of the schedule version in force at the lender's data_as_of, and the day on which it was settled for
-- good (null: it is not).
with

{{ judged_balances() }}

select
    instalments.lender,
    instalments.loan_id,
    instalments.instalment_no,
    instalments.due_on,
    {{ settled_on('at_judgement', 'instalments', 'ends') }} as settled_on
from at_judgement
inner join {{ touched('int_instalment') }} as instalments
    on
        at_judgement.lender = instalments.lender
        and at_judgement.loan_id = instalments.loan_id
        and at_judgement.plan_no = instalments.plan_no
        and at_judgement.seq = instalments.seq
        -- one that is agreed and not yet in force has the same instalments again
        and at_judgement.data_as_of >= instalments.in_force_from
        and at_judgement.data_as_of < instalments.in_force_until
left join {{ touched('int_loan_end') }} as ends
    on at_judgement.lender = ends.lender and at_judgement.loan_id = ends.loan_id
