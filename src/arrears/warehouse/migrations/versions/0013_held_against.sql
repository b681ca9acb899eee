-- A verdict holds as long as the marts show what the candidate was held against: somebody may go back in between.
alter table ops.gate_run add column held_against bigint references ops.publication (publication_id);
comment on column ops.gate_run.held_against is
'Of a candidate, the publication that the marts showed while it was judged; none before the first, and none of a delivery';
