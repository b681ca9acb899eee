-- The spells and the settled days from which signals are raised are those that are published.
select
    'spell' as fact,
    coalesce(spells.lender, published.lender) as lender,
    coalesce(spells.loan_id, published.loan_id) as loan_id,
    spells.entered_on as of_signals,
    published.entered_on as as_published
from (
    select spells.*
    from {{ ref('int_spell') }} as spells
    inner join {{ ref('int_lender') }} as lenders
        on spells.lender = lenders.lender and spells.entered_on <= lenders.data_as_of
) as spells
full outer join {{ ref('fct_delinquency_spell') }} as published
    on
        spells.lender = published.lender
        and spells.loan_id = published.loan_id
        and spells.spell_no = published.spell_no
where
    spells.entered_on is distinct from published.entered_on
    or spells.exited_on is distinct from published.exited_on
union all
select
    'instalment' as fact,
    instalments.lender,
    instalments.loan_id,
    instalments.settled_on as of_signals,
    published.settled_on as as_published
from {{ ref('int_settled_instalment') }} as instalments
inner join {{ ref('int_schedule_version') }} as versions
    on instalments.lender = versions.lender and instalments.loan_id = versions.loan_id
inner join {{ ref('int_lender') }} as lenders
    on
        versions.lender = lenders.lender
        and versions.in_force_from <= lenders.data_as_of
        and versions.in_force_until > lenders.data_as_of
left join {{ ref('fct_instalment') }} as published
    on
        versions.lender = published.lender
        and versions.loan_id = published.loan_id
        and versions.schedule_version = published.schedule_version
        and instalments.instalment_no = published.instalment_no
where
    published.lender is null
    or instalments.settled_on is distinct from published.settled_on
