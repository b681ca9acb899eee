-- Extensions, instalment plans and relief granted in the last two years, and what became of those that are old enough.
select
    relief.lender,
    relief.kind,
    cast(sum(relief.loans) as bigint) as loans,
    sum(relief.outstanding_principal) as outstanding_principal,
    sum(relief.amount_waived) as amount_waived,
    round(
        sum(relief.performing_3m) / nullif(sum(relief.loans) filter (where relief.performing_3m is not null), 0), 6
    ) as performing_3m_rate,
    round(
        sum(relief.performing_6m) / nullif(sum(relief.loans) filter (where relief.performing_6m is not null), 0), 6
    ) as performing_6m_rate,
    round(
        sum(relief.performing_12m) / nullif(sum(relief.loans) filter (where relief.performing_12m is not null), 0), 6
    ) as performing_12m_rate,
    cast(sum(relief.redefaulted_loans) as bigint) as redefaulted_loans,
    cast(sum(relief.cosmetic_cures) as bigint) as cosmetic_cures
from mart_forbearance_monthly as relief
inner join dim_lender as lenders on relief.lender = lenders.lender
where relief.granted_month > lenders.data_as_of - interval '2 years'
group by relief.lender, relief.kind
order by relief.lender, relief.kind
