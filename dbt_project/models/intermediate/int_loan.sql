{{ config(meta={'tracks_changes': true}) }}
-- One row per known loan: its terms, its borrower, and the milestones of its life.
with

-- the first event of a kind counts: lenders repeat a status in every later file
first_events as (
    select lender, loan_id, kind, state, is_terminal, min(event_on) as event_on
    from {{ touched('int_loan_event') }}
    group by lender, loan_id, kind, state, is_terminal
),

exits as (
    select
        first_events.lender,
        first_events.loan_id,
        first_events.event_on as terminal_on,
        first_events.state as terminal_state,
        events.amount as terminal_amount
    from first_events
    inner join {{ touched('int_loan_event') }} as events
        on
            first_events.lender = events.lender
            and first_events.loan_id = events.loan_id
            and first_events.kind = events.kind
            and first_events.event_on = events.event_on
    where first_events.is_terminal
    union all
    select
        lender,
        loan_id,
        value_on as terminal_on,
        terminal_state,
        null as terminal_amount
    from {{ touched('int_payment') }}
    where terminal_state is not null
),

first_exits as (
    {{ newest_per_key(
        'exits', ['lender', 'loan_id'], 'terminal_on, terminal_state',
        ['lender', 'loan_id', 'terminal_on', 'terminal_state', 'terminal_amount']
    ) }}
),

settled_claims as (
    select lender, loan_id, event_on as settled_claimed_on from first_events where kind = 'settled'
),

restructurings as (
    select lender, loan_id, min(relieved_on) as restructured_on
    from {{ touched('int_restructuring') }}
    group by lender, loan_id
),

-- a position without a balance says nothing, unless the lender calls the loan settled: then the balance is nil
first_positions as (
    select positions.lender, positions.loan_id, min(positions.as_of) as first_reported_on
    from {{ touched('int_reported_position') }} as positions
    left join settled_claims
        on positions.lender = settled_claims.lender and positions.loan_id = settled_claims.loan_id
    where positions.outstanding_principal is not null or positions.as_of >= settled_claims.settled_claimed_on
    group by positions.lender, positions.loan_id
)

select
    loans.lender,
    loans.loan_id,
    loans.product,
    loans.purpose,
    loans.channel,
    loans.funder,
    loans.currency,
    loans.principal,
    loans.annual_rate,
    loans.term_months,
    loans.disbursed_on,
    loans.first_due_on,
    loans.maturity_on,
    loans.score_at_disbursement as credit_score,
    loans.risk_grade,
    borrowers.birth_year,
    borrowers.income_band,
    borrowers.province,
    first_exits.terminal_on,
    first_exits.terminal_state,
    first_exits.terminal_amount,
    settled_claims.settled_claimed_on,
    restructurings.restructured_on,
    -- the same person has the same hash at every lender; without one, a person is known to that lender only
    coalesce(
        borrowers.identity_hash,
        {{ hash_text("loans.lender || '|' || coalesce('borrower|' || loans.borrower_id, 'loan|' || loans.loan_id)") }}
    ) as borrower_key,
    conventions.outstanding = 'reported' as enters_as_reported,
    -- where the lender's own balance counts, there is nothing to show before the first one
    case
        when conventions.outstanding = 'reported' then first_positions.first_reported_on
        else loans.disbursed_on
    end as entered_on
from {{ touched('stg_loan') }} as loans
inner join {{ ref('int_convention') }} as conventions
    on
        loans.lender = conventions.lender
        and loans.product = conventions.product
        and loans.disbursed_on >= conventions.in_force_from
        and loans.disbursed_on < conventions.in_force_until
-- where a lender's loans name no borrower, each loan has one of its own, under its own number
left join {{ ref('stg_borrower') }} as borrowers
    on loans.lender = borrowers.lender and coalesce(loans.borrower_id, loans.loan_id) = borrowers.borrower_id
left join first_exits on loans.lender = first_exits.lender and loans.loan_id = first_exits.loan_id
left join settled_claims on loans.lender = settled_claims.lender and loans.loan_id = settled_claims.loan_id
left join restructurings on loans.lender = restructurings.lender and loans.loan_id = restructurings.loan_id
left join first_positions on loans.lender = first_positions.lender and loans.loan_id = first_positions.loan_id
