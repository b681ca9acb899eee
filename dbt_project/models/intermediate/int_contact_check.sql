{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- Every action under every rule of contact that applies to it, by the version in force on its local day.
with

versions as (
    select
        rule,
        sort_order,
        effective_from,
        lead(effective_from) over (partition by rule order by effective_from) as replaced_on,
        channels,
        quiet_from,
        quiet_until,
        most_connected_calls_a_day
    from {{ ref('contact_rules') }}
),

under_rules as (
    select
        actions.lender,
        actions.action_id,
        actions.loan_id,
        actions.borrower_key,
        actions.acted_at,
        actions.acted_on,
        actions.acted_at_local_time,
        actions.agency,
        actions.party,
        versions.rule,
        versions.sort_order,
        versions.quiet_from,
        versions.quiet_until,
        versions.most_connected_calls_a_day
    from {{ touched('int_collection_action', 'int_worked_loan') }} as actions
    inner join versions
        on
            actions.acted_on >= versions.effective_from
            and (versions.replaced_on is null or actions.acted_on < versions.replaced_on)
            and position(',' || actions.channel || ',' in ',' || versions.channels || ',') > 0
    where
        case versions.rule
            when 'quiet_hours' then true
            when 'daily_calls' then actions.connected and coalesce(actions.party, 'debtor') = 'debtor'
            when 'debtor_only' then actions.party is not null
        end
),

-- a debtor has one day, however many loans and agencies call
in_order as (
    select
        *,
        row_number() over (
            partition by lender, borrower_key, acted_on, rule order by acted_at, action_id
        ) as number_of_the_day
    from under_rules
)

select
    lender,
    action_id,
    loan_id,
    acted_on,
    agency,
    rule,
    sort_order,
    case rule
        when 'quiet_hours'
            then
                case
                    -- over midnight, or within a day
                    when quiet_from > quiet_until
                        then acted_at_local_time >= quiet_from or acted_at_local_time < quiet_until
                    else acted_at_local_time >= quiet_from and acted_at_local_time < quiet_until
                end
        when 'daily_calls' then number_of_the_day > most_connected_calls_a_day
        when 'debtor_only' then party = 'contact'
    end as is_breach
from in_order
