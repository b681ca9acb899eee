-- Who let a candidate through of which the gate said no more than warnings. Of one judgement: what is judged again has to
-- be approved again.
create table ops.approval (
    gate_run_id bigint primary key references ops.gate_run, approved_by text not null, reason text,
    approved_at timestamptz not null default clock_timestamp()
);

-- A publication that shows again what an earlier one showed has the earlier one's build.
alter table ops.publication
    add column reason text, add column restores bigint references ops.publication,
    drop constraint publication_build_id_key;
create unique index publication_of_build on ops.publication (build_id) where restores is null;

grant select on ops.publication to arrears_publisher;
set local role arrears_publisher;
create or replace view marts.publication with (security_barrier) as
select
    publication_id, published_at, business_date,
    publication_id = (select max(newest.publication_id) from ops.publication as newest) as is_current,
    gate_status, approved_by, rows_added, rows_closed, code_version, reason, restores
from ops.publication;
comment on column marts.publication.approved_by is
    'Who approved it where only warnings stood in the way, or had it rolled back (批准人)';
comment on column marts.publication.reason is 'Why it was approved or rolled back (批准理由)';
comment on column marts.publication.restores is 'The earlier publication that it shows again; null: it is a new one (回滚至的发布编号)';
reset role;
