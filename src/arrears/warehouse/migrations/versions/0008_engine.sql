-- Which engine ran the models of a build; what was published says it, too.
alter table ops.build add column engine text not null default 'postgres' check (engine in ('postgres', 'spark'));

set local role arrears_publisher;
create or replace view marts.publication with (security_barrier) as
select
    publication_id, published_at, business_date,
    publication_id = (select max(newest.publication_id) from ops.publication as newest) as is_current,
    gate_status, approved_by, rows_added, rows_closed, code_version, reason, restores,
    not exists (
        select from ops.publication_let_go as gone where gone.publication_id = publication.publication_id
    ) as is_kept,
    (select builds.engine from ops.build as builds where builds.build_id = publication.build_id) as engine
from ops.publication;
comment on column marts.publication.engine is 'What ran the models: postgres or spark (计算引擎)';
reset role;
