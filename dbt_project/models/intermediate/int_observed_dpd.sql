{{ config(meta={'tracks_changes': true}) }}
-- What a loan under observation has been: for each of its states within one, [starts_on, ends_on), the most days past
-- due at any close from the eve of the relief to the eve of that state. The clock runs forward within a state, so the
-- most on a day is that or what the clock shows.
with

observed as (
    select
        states.*,
        observations.observed_from,
        greatest(states.valid_from, {{ add_days('observations.observed_from', -1) }}) as starts_on,
        least(
            coalesce(states.valid_to, {{ last_day_ever() }}),
            coalesce(observations.observed_until, {{ last_day_ever() }})
        ) as ends_on
    from {{ touched('int_observation') }} as observations
    inner join {{ touched('int_loan_state') }} as states
        on
            observations.lender = states.lender
            and observations.loan_id = states.loan_id
            and coalesce(observations.observed_until, {{ last_day_ever() }}) > states.valid_from
            and observations.observed_from <= coalesce(states.valid_to, {{ last_day_ever() }})
),

with_worst as (
    select
        lender,
        loan_id,
        observed_from,
        starts_on,
        ends_on,
        coalesce(
            max({{ dpd_on(add_days('observed.ends_on', -1), 'observed') }}) over (
                partition by lender, loan_id, observed_from order by starts_on
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as worst_before
    from observed
)

select
    lender,
    loan_id,
    greatest(starts_on, observed_from) as starts_on,
    nullif(ends_on, {{ last_day_ever() }}) as ends_on,
    worst_before
from with_worst
where ends_on > observed_from
