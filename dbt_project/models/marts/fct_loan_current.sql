-- Every loan that ever entered the book, as it stands at its lender's data_as_of.
with

at_close as (
    select
        states.*,
        lenders.data_as_of as as_of_date,
        coalesce(loans.restructured_on <= lenders.data_as_of, false) as is_restructured,
        {{ dpd_on('lenders.data_as_of', 'states') }} as dpd,
        {{ dpd_on('lenders.data_as_of', 'states', 'contractual_') }} as contractual_dpd
    from {{ ref('int_loan_state') }} as states
    inner join {{ ref('int_loan') }} as loans
        on states.lender = loans.lender and states.loan_id = loans.loan_id
    inner join {{ ref('int_lender') }} as lenders on states.lender = lenders.lender
    where states.valid_to is null
),

oldest_unpaid as (
    select
        shortages.lender,
        shortages.loan_id,
        min(shortages.clock_due_on) as oldest_unpaid_due_on
    from {{ ref('int_shortage') }} as shortages
    inner join {{ ref('int_lender') }} as lenders
        on
            shortages.lender = lenders.lender
            and shortages.short_from <= lenders.data_as_of
            and shortages.short_until > lenders.data_as_of
    where shortages.track = 'current'
    group by shortages.lender, shortages.loan_id
),

known_positions as (
    select
        positions.lender,
        positions.loan_id,
        positions.as_of,
        positions.dpd,
        positions.outstanding_principal
    from {{ ref('int_reported_position') }} as positions
    inner join {{ ref('int_lender') }} as lenders
        on positions.lender = lenders.lender and positions.as_of <= lenders.data_as_of
),

newest_position as (
    {{ newest_per_key(
        'known_positions', ['lender', 'loan_id'], 'as_of desc',
        ['lender', 'loan_id', 'dpd', 'outstanding_principal']
    ) }}
),

-- under observation after relief a loan counts as the worst it was since the eve of it
current_state as (
    select
        at_close.*,
        observed.lender is not null as is_observed,
        greatest(at_close.dpd, coalesce(observed.worst_before, 0)) as classified_dpd
    from at_close
    left join {{ ref('int_observed_dpd') }} as observed
        on
            at_close.lender = observed.lender
            and at_close.loan_id = observed.loan_id
            and at_close.as_of_date >= observed.starts_on
            and at_close.as_of_date < coalesce(observed.ends_on, {{ last_day_ever() }})
)

select
    current_state.lender,
    current_state.loan_id,
    current_state.as_of_date,
    current_state.state,
    case when current_state.is_terminal then current_state.state else buckets.bucket end as bucket,
    current_state.dpd,
    current_state.contractual_dpd,
    case when current_state.overdue_amount > 0 then oldest_unpaid.oldest_unpaid_due_on end as oldest_unpaid_due_on,
    current_state.outstanding_principal,
    current_state.overdue_principal,
    current_state.overdue_amount,
    {{ debt_type('current_state') }} as debt_type,
    rules.category as risk_category,
    case when not current_state.is_terminal then {{ ifrs9_stage('current_state', 'ifrs9') }} end as ifrs9_stage,
    newest_position.dpd as reported_dpd,
    newest_position.outstanding_principal as reported_outstanding_principal,
    current_state.is_restructured
from current_state
left join oldest_unpaid
    on current_state.lender = oldest_unpaid.lender and current_state.loan_id = oldest_unpaid.loan_id
left join newest_position
    on current_state.lender = newest_position.lender and current_state.loan_id = newest_position.loan_id
left join {{ ref('dpd_buckets') }} as buckets
    on
        {{ is_in_bucket('current_state', 'buckets') }}
left join {{ ref('int_risk_rule') }} as rules
    on
        not current_state.is_terminal
        and current_state.risk_regime = rules.regime
        and current_state.is_observed = rules.is_observed
        and current_state.as_of_date >= rules.in_force_from
        and current_state.as_of_date < rules.in_force_until
        and current_state.classified_dpd >= rules.min_dpd
        and current_state.classified_dpd <= rules.max_dpd
left join {{ ref('ifrs9_stages') }} as ifrs9
    on
        current_state.dpd >= ifrs9.min_dpd
        and current_state.dpd <= coalesce(ifrs9.max_dpd, 2147483647)
