-- Months of entry of which a build recomputes the recovery: an outcome that counts, or counted, has changed, or the
-- days it is judged after have passed, or those for which a cure is followed.
with

outcomes as (
    select lender, product, entry_month, judged_on, true as is_changed from {{ changed('int_entry_outcome') }}
    union all
    select lender, product, entry_month, judged_on, false as is_changed
    from {{ standing('int_entry_outcome') }} as outcomes
    union all
    select lender, product, entry_month, cure_followed_until as judged_on, false as is_changed
    from {{ standing('int_entry_outcome') }} as outcomes
)

select
    outcomes.lender,
    outcomes.product,
    outcomes.entry_month
from outcomes
inner join {{ ref('int_passage') }} as passage
    on
        outcomes.lender = passage.lender
        and outcomes.judged_on <= passage.passed_until
        and (outcomes.is_changed or outcomes.judged_on > passage.passed_from)
group by outcomes.lender, outcomes.product, outcomes.entry_month
