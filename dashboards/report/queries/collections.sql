-- The same three whole months by agency and channel.
select
    performance.lender,
    performance.agency,
    performance.channel,
    cast(sum(performance.actions) as bigint) as actions,
    round(sum(performance.connected) / nullif(sum(performance.actions), 0), 6) as contact_rate,
    round(sum(performance.right_party) / nullif(sum(performance.actions), 0), 6) as right_party_rate,
    cast(sum(performance.promises_due) as bigint) as promises_due,
    round(sum(performance.promises_kept) / nullif(sum(performance.promises_due), 0), 6) as promises_kept_rate,
    sum(performance.collected_principal_7d) as collected_principal_7d,
    cast(sum(performance.complaints) as bigint) as complaints
from mart_collection_performance_monthly as performance
inner join dim_lender as lenders on performance.lender = lenders.lender
where
    performance.month_end <= lenders.data_as_of
    and performance.month_end > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '3 months 1 day'
group by performance.lender, performance.agency, performance.channel
order by performance.lender, performance.agency, performance.channel
