-- Breaches of the rules of contact in the newest ninety days, by agency. An attempt that a rule does not apply to (a call
-- that nobody answers, where who answered is what it asks) is none of those checked.
select
    compliance.lender,
    compliance.agency,
    compliance.rule,
    cast(sum(compliance.actions) as bigint) as checked_actions,
    cast(sum(compliance.breaches) as bigint) as breaches,
    round(sum(compliance.breaches) / nullif(sum(compliance.actions), 0), 6) as breach_rate
from mart_contact_compliance_daily as compliance
inner join dim_lender as lenders on compliance.lender = lenders.lender
where compliance.contact_on > lenders.data_as_of - 90
group by compliance.lender, compliance.agency, compliance.rule
order by compliance.lender, compliance.agency, compliance.rule
