{{ config(meta={
    'recomputed': 'int_reported_loan', 'recomputed_in': 'intermediate',
    'recomputed_after': {'as_of': 'positions_after'}, 'tracks_changes': true
}) }}
-- What a lender says about a loan held against ours, position by position: whether the two agree, and if not, the first
-- kind of break that explains it, since when the loan has been broken without a pause, and what the kind rests on. No
-- position meets all states of its loan: its state is found by counting how many have begun.
{%- set figures = ['lender', 'loan_id', 'as_of', 'our_outstanding_principal', 'our_dpd',
    'reported_outstanding_principal', 'reported_dpd', 'difference', 'is_broken', 'broken_since'] %}
with

positions as (
    select
        positions.lender,
        positions.loan_id,
        positions.as_of,
        positions.outstanding_principal as reported_outstanding_principal,
        positions.dpd as reported_dpd,
        loans.entered_on
    from {{ ref('int_reported_position') }} as positions
    {%- if not execute or goes_on() %}
    inner join {{ ref('int_reported_loan') }} as reported_loans
        on
            positions.lender = reported_loans.lender
            and positions.loan_id = reported_loans.loan_id
            and coalesce(positions.as_of > reported_loans.positions_after, true)
    {%- endif %}
    inner join {{ touched('int_loan', 'int_reported_loan') }} as loans
        on positions.lender = loans.lender and positions.loan_id = loans.loan_id
    where
        positions.as_of >= loans.entered_on
        and (positions.outstanding_principal is not null or positions.dpd is not null)
),

states as (
    select
        states.*,
        row_number() over (partition by states.lender, states.loan_id order by states.valid_from) as turn
    from {{ ref('int_loan_state') }} as states
    {%- if not execute or goes_on() %}
    -- also that of the eve of the first position
    inner join {{ ref('int_reported_loan') }} as reported_loans
        on
            states.lender = reported_loans.lender
            and states.loan_id = reported_loans.loan_id
            and coalesce(states.valid_to > reported_loans.positions_after, true)
    {%- endif %}
),

moments as (
    select
        lender, loan_id, valid_from as day, 1 as states_begun, false as is_position,
        cast(null as numeric(18, 2)) as reported_outstanding_principal, cast(null as integer) as reported_dpd,
        cast(null as date) as entered_on
    from states
    union all
    select
        lender, loan_id, as_of as day, 0 as states_begun, true as is_position, reported_outstanding_principal,
        reported_dpd, entered_on
    from positions
),

-- a state counts from the day on which it begins, so days that are the same share one sum
counted as (
    select
        *,
        sum(states_begun) over (
            partition by lender, loan_id order by day range between unbounded preceding and current row
        ) as turn
    from moments
),

both_sides as (
    select
        positions.lender,
        positions.loan_id,
        positions.day as as_of,
        positions.reported_outstanding_principal,
        positions.reported_dpd,
        positions.entered_on,
        positions.turn,
        states.valid_from,
        states.valid_to,
        states.outstanding_principal as our_outstanding_principal,
        {{ dpd_on('positions.day', 'states') }} as our_dpd,
        plans.plan_no,
        plans.tol_abs
    from counted as positions
    inner join states
        on
            positions.lender = states.lender
            and positions.loan_id = states.loan_id
            and positions.turn = states.turn
    -- a loan that has left the book is measured by no plan any more, but still by the tolerance of the day
    inner join {{ touched('int_plan', 'int_reported_loan') }} as plans
        on
            positions.lender = plans.lender
            and positions.loan_id = plans.loan_id
            and positions.day >= plans.in_force_from
            and positions.day < plans.in_force_until
    where positions.is_position
),

differences as (
    select
        *,
        case
            when abs(our_outstanding_principal - reported_outstanding_principal) > tol_abs
                then our_outstanding_principal - reported_outstanding_principal
            else 0
        end as difference
    from both_sides
),

judged as (
    select
        *,
        difference <> 0 or coalesce(reported_dpd <> our_dpd, false) as is_broken
    from differences
),

-- a run of breaks ends with the next position that agrees
in_runs as (
    select
        *,
        sum(case when is_broken then 0 else 1 end) over (
            partition by lender, loan_id order by as_of rows between unbounded preceding and current row
        ) as run
    from judged
),

{%- if goes_on() %}

-- the run that was on when the positions begin that are looked at: since when the last one before them is broken
runs_before as (
    select
        standing.lender,
        standing.loan_id,
        case
            when max(case when standing.is_broken then standing.as_of end) = max(standing.as_of)
                then max(standing.broken_since)
        end as broken_since
    from {{ this }} as standing
    inner join {{ ref('int_reported_loan') }} as reported_loans
        on
            standing.lender = reported_loans.lender
            and standing.loan_id = reported_loans.loan_id
            and standing.as_of <= reported_loans.positions_after
    group by standing.lender, standing.loan_id
),
{%- endif %}

with_begin as (
    select
        in_runs.*,
        case
            when in_runs.is_broken
                then coalesce(
                    {% if goes_on() -%}
                    case when in_runs.run = 0 then runs_before.broken_since end,
                    {% endif -%}
                    min(case when in_runs.is_broken then in_runs.as_of end)
                        over (partition by in_runs.lender, in_runs.loan_id, in_runs.run)
                )
        end as broken_since
    from in_runs
    {%- if goes_on() %}
    left join runs_before on in_runs.lender = runs_before.lender and in_runs.loan_id = runs_before.loan_id
    {%- endif %}
),

breaks as (
    select * from with_begin where is_broken
),

-- The state of the day before or after is the same one, or its neighbour. The newest state is carried on as it would be
-- if nothing happened, so a day that brings nothing to the loan changes nothing here.
neighbours as (
    select
        breaks.lender,
        breaks.loan_id,
        breaks.as_of,
        {% for side, shift in {'eve': -1, 'morrow': 1}.items() -%}
        {%- set day = add_days('breaks.as_of', shift) -%}
        coalesce(
            {{ day }} >= breaks.entered_on
            and coalesce(
                abs({{ side }}s.outstanding_principal - breaks.reported_outstanding_principal) <= breaks.tol_abs, true
            )
            and coalesce({{ dpd_on(day, side ~ 's') }} = breaks.reported_dpd, true),
            false
        ) as agrees_on_{{ side }}{{ ',' if not loop.last }}
        {% endfor %}
    from breaks
    left join states as eves
        on
            breaks.lender = eves.lender
            and breaks.loan_id = eves.loan_id
            and breaks.turn - case when breaks.valid_from = breaks.as_of then 1 else 0 end = eves.turn
    inner join states as morrows
        on
            breaks.lender = morrows.lender
            and breaks.loan_id = morrows.loan_id
            and breaks.turn
            + case when breaks.valid_to = {{ add_days('breaks.as_of', 1) }} then 1 else 0 end = morrows.turn
),

-- what we have booked: the newest payment of the month before that is all of the difference, and what went elsewhere
booked as (
    select
        breaks.lender,
        breaks.loan_id,
        breaks.as_of,
        max(
            case
                when
                    payments.value_on > {{ add_days('breaks.as_of', -31) }}
                    and abs(breaks.difference + payments.principal) <= breaks.tol_abs
                    then payments.payment_no
            end
        ) as payment_no,
        sum(payments.interest + payments.fee + payments.penalty) as paid_elsewhere
    from breaks
    inner join {{ touched('int_payment_allocation', 'int_reported_loan') }} as payments
        on
            breaks.lender = payments.lender
            and breaks.loan_id = payments.loan_id
            and breaks.as_of >= payments.value_on
    where breaks.difference <> 0 and payments.settles_instalments
    group by breaks.lender, breaks.loan_id, breaks.as_of
),

-- what the lender may have booked: an instalment whose principal is all of the difference, rather one due by then
billed as (
    select
        breaks.lender,
        breaks.loan_id,
        breaks.as_of,
        coalesce(
            max(case when instalments.due_on <= breaks.as_of then instalments.seq end), min(instalments.seq)
        ) as seq
    from breaks
    inner join {{ touched('int_instalment', 'int_reported_loan') }} as instalments
        on
            breaks.lender = instalments.lender
            and breaks.loan_id = instalments.loan_id
            and breaks.plan_no = instalments.plan_no
            and abs(breaks.difference - instalments.principal_due) <= breaks.tol_abs
    where breaks.difference > 0
    group by breaks.lender, breaks.loan_id, breaks.as_of
),

explained as (
    select
        breaks.*,
        neighbours.agrees_on_eve,
        neighbours.agrees_on_morrow,
        case when breaks.difference < 0 then booked.payment_no end as payment_no,
        billed.seq as instalment_seq,
        coalesce(booked.paid_elsewhere, 0) as paid_elsewhere,
        case
            when neighbours.agrees_on_eve then 'timing'
            when breaks.difference = 0 then 'schedule'
            when (breaks.difference < 0 and booked.payment_no is not null) or billed.seq is not null
                then 'missing_payment'
            when abs(breaks.difference) <= coalesce(booked.paid_elsewhere, 0) then 'allocation'
            else 'unexplained'
        end as break_type_on_the_day
    from breaks
    inner join neighbours
        on
            breaks.lender = neighbours.lender
            and breaks.loan_id = neighbours.loan_id
            and breaks.as_of = neighbours.as_of
    left join booked
        on breaks.lender = booked.lender and breaks.loan_id = booked.loan_id and breaks.as_of = booked.as_of
    left join billed
        on breaks.lender = billed.lender and breaks.loan_id = billed.loan_id and breaks.as_of = billed.as_of
),

agreeing as (
    select * from with_begin where not is_broken
)

select
    {% for figure in figures -%}
    {{ money(figure) ~ ' as ' ~ figure if figure == 'difference' else figure }},
    {% endfor -%}
    -- whether the day after explains it is known a day later
    break_type_on_the_day,
    case when agrees_on_morrow then 'timing' else break_type_on_the_day end as break_type,
    agrees_on_eve,
    agrees_on_morrow,
    plan_no,
    payment_no,
    instalment_seq,
    {{ money('paid_elsewhere') }} as paid_elsewhere
from explained
union all
select
    {% for figure in figures -%}
    {{ money(figure) ~ ' as ' ~ figure if figure == 'difference' else figure }},
    {% endfor -%}
    'none' as break_type_on_the_day,
    'none' as break_type,
    false as agrees_on_eve,
    false as agrees_on_morrow,
    plan_no,
    cast(null as bigint) as payment_no,
    cast(null as integer) as instalment_seq,
    cast(null as numeric(18, 2)) as paid_elsewhere
from agreeing
