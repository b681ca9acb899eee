-- The state of every loan as intervals [valid_from, valid_to): between two days on which something happens to a loan,
-- nothing about it changes but what its clock shows, and that is a subtraction. So there is one row per change and
-- none per day. An open interval holds until the lender's data_as_of; nothing is claimed after it.
{%- set facts = ['state', 'plan_no', 'clock_from', 'clock_stopped_on', 'dpd_fixed', 'contractual_clock_from',
    'contractual_dpd_fixed', 'outstanding_principal', 'overdue_principal', 'overdue_amount', 'paid_on_oldest',
    'handover_dpd'] %}
{%- set conventions = ['scheme', 'grace_days', 'first_day', 'day_count', 'default_dpd', 'risk_regime'] %}
{%- set tracks = ['current', 'contractual', 'handover'] %}
with

-- the last close before a loan ended, by its lender's word, in another way than by being repaid
before_end as (
    select lender, loan_id, day, state from {{ touched('int_loan_close') }} where day < terminal_on
),

eves as (
    {{ newest_per_key('before_end', ['lender', 'loan_id'], 'day desc', ['lender', 'loan_id', 'state']) | indent(4) }}
),

not_repaid as (
    select lender, loan_id, min(day) as since
    from {{ touched('int_loan_close') }}
    where day >= terminal_on and not is_repaid
    group by lender, loan_id
),

-- a loan that was settled on the eve has left the book already: the word counts once money has come back from it
closes as (
    select
        own.*,
        case
            when own.day >= own.terminal_on and eves.state = 'settled'
                and coalesce(own.day < not_repaid.since, true) then 'settled'
            else own.state
        end as state_at_close
    from {{ touched('int_loan_close') }} as own
    left join eves on own.lender = eves.lender and own.loan_id = eves.loan_id
    left join not_repaid on own.lender = not_repaid.lender and own.loan_id = not_repaid.loan_id
),

-- what has left the book owes it nothing any more; what it was then is kept beside
described as (
    select
        closes.lender,
        closes.loan_id,
        closes.day,
        closes.state_at_close as state,
        states.is_terminal,
        case when not states.is_terminal then closes.plan_no end as plan_no,
        {% for convention in conventions -%}
        closes.{{ convention }},
        {% endfor -%}
        closes.principal_left,
        case when current_clocks.clock_from is not null and closes.is_paused then closes.eve_of_pause end
            as clock_stopped_on,
        {% for track in ['current', 'contractual'] -%}
        {%- set prefix = '' if track == 'current' else track ~ '_' -%}
        {{ track }}_clocks.clock_from as {{ prefix }}clock_from,
        {{ track }}_clocks.dpd_fixed as {{ prefix }}dpd_fixed,
        {% endfor -%}
        coalesce(
            handover_clocks.dpd_fixed,
            greatest(
                {{ days_counted(
                    'handover_clocks.clock_from',
                    'case when closes.is_paused then closes.eve_of_pause else closes.day end',
                    'handover_clocks.first_day', 'handover_clocks.day_count'
                ) }},
                0
            )
        ) as handover_dpd,
        case when not states.is_terminal then closes.principal_left else 0 end as outstanding_principal,
        case when not states.is_terminal then closes.overdue_principal else 0 end as overdue_principal,
        case when not states.is_terminal then closes.overdue_amount else 0 end as overdue_amount,
        coalesce(current_clocks.paid_on_oldest, 0) as paid_on_oldest
    from closes
    inner join {{ ref('loan_states') }} as states on closes.state_at_close = states.state
    {% for track in tracks -%}
    left join {{ touched('int_clock') }} as {{ track }}_clocks
        on
            closes.lender = {{ track }}_clocks.lender
            and closes.loan_id = {{ track }}_clocks.loan_id
            and closes.day = {{ track }}_clocks.day
            and {{ track }}_clocks.track = '{{ track }}'
    {% endfor %}
),

compared as (
    select
        *,
        {% for fact in facts -%}
        lag({{ fact }}) over life as {{ fact }}_before,
        {% endfor -%}
        lag(is_terminal) over life as is_terminal_before,
        lag(day) over life as day_before
    from described
    window life as (partition by lender, loan_id order by day)
)

select
    lender,
    loan_id,
    day as valid_from,
    lead(day) over (partition by lender, loan_id order by day) as valid_to,
    state,
    is_terminal,
    plan_no,
    {% for convention in conventions -%}
    {{ convention }},
    {% endfor -%}
    clock_from,
    clock_stopped_on,
    dpd_fixed,
    contractual_clock_from,
    contractual_dpd_fixed,
    cast(handover_dpd as integer) as handover_dpd,
    {{ money('outstanding_principal') }} as outstanding_principal,
    {{ money('overdue_principal') }} as overdue_principal,
    {{ money('overdue_amount') }} as overdue_amount,
    {{ money('paid_on_oldest') }} as paid_on_oldest,
    -- for a loan that has left the book: what it still owed when it left
    cast(
        case
            when is_terminal and is_terminal_before and state = state_before then 0
            when is_terminal then principal_left
        end as numeric(18, 2)
    ) as principal_at_exit
from compared
where
    day_before is null
    {% for fact in facts -%}
    or {{ fact }} is distinct from {{ fact }}_before
    {% endfor %}
