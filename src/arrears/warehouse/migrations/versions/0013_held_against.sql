-- A verdict holds as long as the marts show what the candidate was held against: somebody may go back in between.
alter table ops.gate_run add column held_against bigint references ops.publication (publication_id);
comment on column ops.gate_run.held_against is
'Of a candidate, the publication that the marts showed while it was judged; none before the first, and none of a delivery';
update ops.gate_run as judged
set held_against = (
    select max(publications.publication_id) from ops.publication as publications
    where publications.published_at < judged.started_at
)
where judged.build_id is not null;
