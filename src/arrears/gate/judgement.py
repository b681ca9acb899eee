"""What the gate said last of a build: by itself and against the publication before, of which the worse counts."""

# gate_runs: the newest of each boundary. held: lenders held back. held_against: the publication before.
# No row where the gate has not judged the build.
JUDGEMENT = """
with newest as (
    select distinct on (boundary) gate_run_id, outcome, finished_at, held_against
    from ops.gate_run where build_id = %(build_id)s order by boundary, gate_run_id desc
)
select
    array_agg(gate_run_id order by gate_run_id) as gate_runs,
    (array_agg(outcome order by case outcome when 'fail' then 1 when 'warn' then 2 else 3 end))[1] as outcome,
    max(finished_at) as finished_at,
    array(
        select distinct h.lender from ops.gate_held as h join newest as n on n.gate_run_id = h.gate_run_id order by 1
    ) as held,
    (array_agg(held_against order by gate_run_id desc))[1] as held_against
from newest
having count(*) > 0
"""
