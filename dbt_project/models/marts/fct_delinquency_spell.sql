{{ config(meta={'recomputed': 'int_reviewed_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- Every maximal run of days on which a loan in the book was past due, and what ended it. Only `paid` is a cure: a
-- waiver, an extension or a new schedule also take days past due away, without the money.
with

states as (
    select
        states.*,
        lenders.data_as_of,
        coalesce(states.valid_to, {{ add_days('lenders.data_as_of', 1) }}) as valid_until
    from {{ touched('int_loan_state', 'int_reviewed_loan') }} as states
    inner join {{ ref('int_lender') }} as lenders on states.lender = lenders.lender
),

{{ overdue_runs() }},

spells as (
    select
        lender,
        loan_id,
        spell_no,
        min(overdue_from) as entered_on,
        max(valid_until) as ended_on,
        max(data_as_of) as data_as_of,
        max({{ dpd_on(add_days('runs.valid_until', -1), 'runs') }}) as max_dpd,
        max(overdue_amount) as peak_overdue_amount
    from runs
    group by lender, loan_id, spell_no
),

-- what stood on the first day
entries as (
    select
        spells.*,
        runs.overdue_principal as entry_overdue_principal,
        runs.outstanding_principal as entry_outstanding_principal
    from spells
    inner join runs
        on
            spells.lender = runs.lender
            and spells.loan_id = runs.loan_id
            and spells.spell_no = runs.spell_no
            and spells.entered_on = runs.overdue_from
),

missed as (
    select
        entries.lender,
        entries.loan_id,
        entries.spell_no,
        min(shortages.clock_due_on) as first_missed_due_on
    from entries
    inner join {{ touched('int_shortage', 'int_reviewed_loan') }} as shortages
        on
            entries.lender = shortages.lender
            and entries.loan_id = shortages.loan_id
            and shortages.track = 'current'
            and entries.entered_on >= shortages.short_from
            and entries.entered_on < shortages.short_until
    group by entries.lender, entries.loan_id, entries.spell_no
),

exits as (
    select
        entries.lender,
        entries.loan_id,
        entries.spell_no,
        entries.ended_on as exited_on,
        after_it.state,
        after_it.is_terminal,
        coalesce(after_it.valid_from = entries.ended_on and after_it.handover_dpd > 0, false) as was_replanned,
        before_it.plan_no as plan_no_before
    from entries
    inner join states as after_it
        on
            entries.lender = after_it.lender
            and entries.loan_id = after_it.loan_id
            and entries.ended_on >= after_it.valid_from
            and entries.ended_on < after_it.valid_until
    inner join states as before_it
        on
            entries.lender = before_it.lender
            and entries.loan_id = before_it.loan_id
            and entries.ended_on = before_it.valid_until
    where entries.ended_on <= entries.data_as_of
),

plan_starts as (
    select lender, loan_id, in_force_from
    from {{ touched('int_plan_total', 'int_reviewed_loan') }}
    group by lender, loan_id, in_force_from
),

reliefs as (
    select lender, loan_id, event_on, min(case when kind = 'extended' then 'extended' else 'restructured' end) as relief
    from {{ touched('int_loan_event', 'int_reviewed_loan') }}
    where is_restructuring
    group by lender, loan_id, event_on
),

-- what was waived on the last day, of instalments overdue by then
waivers as (
    select exits.lender, exits.loan_id, exits.spell_no, sum(settlements.owed) as waived
    from exits
    inner join {{ touched('int_settlement', 'int_reviewed_loan') }} as settlements
        on
            exits.lender = settlements.lender
            and exits.loan_id = settlements.loan_id
            and exits.plan_no_before = settlements.plan_no
            and exits.exited_on = settlements.value_on
            and not settlements.is_cash
    inner join {{ touched('int_instalment', 'int_reviewed_loan') }} as instalments
        on
            settlements.lender = instalments.lender
            and settlements.loan_id = instalments.loan_id
            and settlements.plan_no = instalments.plan_no
            and settlements.seq = instalments.seq
            and exits.exited_on >= instalments.overdue_from
    group by exits.lender, exits.loan_id, exits.spell_no
)

select
    entries.lender,
    entries.loan_id,
    cast(entries.spell_no as integer) as spell_no,
    missed.first_missed_due_on,
    entries.entered_on,
    exits.exited_on,
    case
        when exits.loan_id is null then 'open'
        when exits.is_terminal and exits.state <> 'settled' then exits.state
        when exits.was_replanned then case when reliefs.relief = 'extended' then 'extended' else 'restructured' end
        -- relief without a new schedule, such as a loan paid off out of a new one
        when plan_starts.loan_id is null and reliefs.loan_id is not null then reliefs.relief
        when waivers.waived > 0 then 'waived'
        else 'paid'
    end as exit_reason,
    entries.max_dpd,
    {{ money('entries.entry_overdue_principal') }} as entry_overdue_principal,
    {{ money('entries.entry_outstanding_principal') }} as entry_outstanding_principal,
    {{ money('entries.peak_overdue_amount') }} as peak_overdue_amount
from entries
left join missed
    on
        entries.lender = missed.lender
        and entries.loan_id = missed.loan_id
        and entries.spell_no = missed.spell_no
left join exits
    on
        entries.lender = exits.lender
        and entries.loan_id = exits.loan_id
        and entries.spell_no = exits.spell_no
left join plan_starts
    on
        exits.lender = plan_starts.lender
        and exits.loan_id = plan_starts.loan_id
        and exits.exited_on = plan_starts.in_force_from
left join reliefs
    on
        exits.lender = reliefs.lender
        and exits.loan_id = reliefs.loan_id
        and exits.exited_on = reliefs.event_on
left join waivers
    on
        entries.lender = waivers.lender
        and entries.loan_id = waivers.loan_id
        and entries.spell_no = waivers.spell_no
