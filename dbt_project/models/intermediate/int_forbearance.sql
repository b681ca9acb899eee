{{ config(meta={'tracks_changes': true}) }}
-- What borrowers were granted, once per loan, kind and month, and what became of the loan. The last state of a loan is
-- carried on as if nothing happened, so outcomes may lie ahead: who asks, asks up to data_as_of.
{%- set months_after = forbearance_horizons() %}
{%- set grant = ['lender', 'loan_id', 'kind', 'granted_month'] %}
with

-- what a lender says it granted, and the new schedules of which it says nothing
new_terms as (
    select events.lender, events.loan_id, kinds.kind, events.event_on as granted_on
    from {{ touched('int_loan_event') }} as events
    inner join {{ ref('forbearance_kinds') }} as kinds on events.kind = kinds.event_kind
    union all
    select lender, loan_id, kind, relieved_on as granted_on
    from {{ touched('int_new_terms') }}
    where not is_told
),

by_new_terms as (
    select
        lender,
        loan_id,
        kind,
        {{ month_end('granted_on') }} as granted_month,
        min(granted_on) as granted_on,
        0 as amount_waived
    from new_terms
    group by lender, loan_id, kind, {{ month_end('granted_on') }}
),

waivers as (
    select
        payments.lender,
        payments.loan_id,
        {{ month_end('payments.value_on') }} as granted_month,
        payments.value_on,
        payments.amount
    from {{ touched('int_payment') }} as payments
    inner join {{ ref('int_lender') }} as lenders
        on payments.lender = lenders.lender and payments.value_on <= lenders.data_as_of
    where payments.bridge_column = 'waived' and payments.settles_instalments
),

-- a waiver that is taken back in its month granted nothing; one that is taken back later was granted all the same
by_waiver as (
    select
        lender,
        loan_id,
        'relief' as kind,
        granted_month,
        min(case when amount > 0 then value_on end) as granted_on,
        sum(amount) as amount_waived
    from waivers
    group by lender, loan_id, granted_month
    having sum(amount) > 0
),

grants as (
    select lender, loan_id, kind, granted_month, granted_on, amount_waived from by_new_terms
    union all
    select lender, loan_id, kind, granted_month, granted_on, amount_waived from by_waiver
),

-- judged on the eve, before anything was waived; a loan that entered the book on that very day, at its close
dated as (
    select
        grants.*,
        case
            when loans.entered_on = grants.granted_on then grants.granted_on
            else {{ add_days('grants.granted_on', -1) }}
        end as judged_on
    from grants
    inner join {{ touched('int_loan') }} as loans on grants.lender = loans.lender and grants.loan_id = loans.loan_id
),

in_book as (
    select
        dated.*,
        states.outstanding_principal
    from dated
    inner join {{ touched('int_loan_state') }} as states
        on
            dated.lender = states.lender
            and dated.loan_id = states.loan_id
            and dated.judged_on >= states.valid_from
            and dated.judged_on < coalesce(states.valid_to, {{ last_day_ever() }})
    where not states.is_terminal
),

checkpoints as (
    {% for months in [0] + months_after -%}
    select
        {{ grant | join(', ') }},
        {{ months }} as months,
        {{ add_months('granted_on', months) }} as day
    from in_book
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

at_checkpoint as (
    select
        checkpoints.*,
        states.state,
        states.is_terminal,
        {{ dpd_on('checkpoints.day', 'states') }} as dpd,
        {{ dpd_on('checkpoints.day', 'states', 'contractual_') }} as contractual_dpd
    from checkpoints
    inner join {{ touched('int_loan_state') }} as states
        on
            checkpoints.lender = states.lender
            and checkpoints.loan_id = states.loan_id
            and checkpoints.day >= states.valid_from
            and checkpoints.day < coalesce(states.valid_to, {{ last_day_ever() }})
),

outcomes as (
    select
        {{ grant | join(', ') }},
        max(case when months = 0 and not is_terminal and dpd = 0 and contractual_dpd > 0 then 1 else 0 end)
            as cosmetic_cures,
        {% for months in months_after -%}
        max(
            case
                when months <> {{ months }} then 0
                when state = 'settled' or (state = 'active' and dpd = 0) then 1
                else 0
            end
        ) as performing_{{ months }}m{{ ',' if not loop.last }}
        {% endfor %}
    from at_checkpoint
    group by {{ grant | join(', ') }}
),

-- the life in the book from the day of the grant on, and within each state the day from which it is past 30
life as (
    select
        in_book.lender,
        in_book.loan_id,
        in_book.kind,
        in_book.granted_month,
        {{ add_months('in_book.granted_on', 12) }} as followed_until,
        greatest(states.valid_from, in_book.granted_on) as starts_on,
        coalesce(states.valid_to, {{ last_day_ever() }}) as ends_on,
        {{ first_day_at_dpd('states', 'thresholds.min_dpd') }} as reached_on
    from in_book
    inner join {{ touched('int_loan_state') }} as states
        on
            in_book.lender = states.lender
            and in_book.loan_id = states.loan_id
            and not states.is_terminal
            and in_book.granted_on < coalesce(states.valid_to, {{ last_day_ever() }})
    inner join {{ ref('overdue_thresholds') }} as thresholds
        on states.scheme = thresholds.scheme and thresholds.threshold_dpd = 30
),

past_30 as (
    select
        *,
        case when reached_on < ends_on then greatest(reached_on, starts_on) end as past_from
    from life
),

-- who is past 30 all along has not defaulted again
not_past_30 as (
    select {{ grant | join(', ') }}, min(starts_on) as first_on
    from past_30
    where past_from is null or past_from > starts_on
    group by {{ grant | join(', ') }}
),

redefaults as (
    select
        past_30.lender,
        past_30.loan_id,
        past_30.kind,
        past_30.granted_month,
        min(greatest(past_30.past_from, {{ add_days('not_past_30.first_on', 1) }})) as redefaulted_on
    from past_30
    inner join not_past_30
        on
            past_30.lender = not_past_30.lender
            and past_30.loan_id = not_past_30.loan_id
            and past_30.kind = not_past_30.kind
            and past_30.granted_month = not_past_30.granted_month
            and past_30.past_from <= past_30.followed_until
            and past_30.followed_until > not_past_30.first_on
            and past_30.ends_on > {{ add_days('not_past_30.first_on', 1) }}
    group by past_30.lender, past_30.loan_id, past_30.kind, past_30.granted_month
)

select
    in_book.lender,
    in_book.loan_id,
    in_book.kind,
    in_book.granted_month,
    in_book.granted_on,
    in_book.outstanding_principal,
    {{ money('in_book.amount_waived') }} as amount_waived,
    outcomes.cosmetic_cures,
    {% for months in months_after -%}
    outcomes.performing_{{ months }}m,
    {% endfor -%}
    redefaults.redefaulted_on
from in_book
inner join outcomes
    on
        in_book.lender = outcomes.lender
        and in_book.loan_id = outcomes.loan_id
        and in_book.kind = outcomes.kind
        and in_book.granted_month = outcomes.granted_month
left join redefaults
    on
        in_book.lender = redefaults.lender
        and in_book.loan_id = redefaults.loan_id
        and in_book.kind = redefaults.kind
        and in_book.granted_month = redefaults.granted_month
