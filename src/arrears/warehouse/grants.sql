-- Least privilege: what each role may do, and nothing else. Applied after every migration.

revoke create on schema public from public;

-- raw: written by the loader alone, read by the builder. No other role sees it. Told an owner, even the one that it has, a
-- table is taken for oneself: that would wait for whoever reads it, and everybody who comes later for that.
do $$
declare
    relation regclass;
begin
    for relation in
        select oid::regclass from pg_class
        where relnamespace = 'raw'::regnamespace and relkind = 'p' and relowner <> 'arrears_loader'::regrole
    loop
        execute format('alter table %s owner to arrears_loader', relation);
    end loop;
end
$$;
grant usage on schema raw to arrears_builder;
grant select on all tables in schema raw to arrears_builder;

-- ops: each step writes its own record and reads what it needs. First nothing, for an earlier release granted more.
revoke all on all tables in schema ops from arrears_loader, arrears_builder, arrears_publisher;
grant usage on schema ops to arrears_loader, arrears_builder, arrears_publisher;
grant select on all tables in schema ops to arrears_loader, arrears_publisher;
grant select on ops.lender, ops.lender_entity, ops.lender_convention, ops.delivery_file,
    ops.build, ops.build_mart, ops.delivery_in_build, ops.publication, ops.publication_lender to arrears_builder;
-- of deliveries and gates: which, and how many; not what was seen in their rows
grant select (delivery_id, lender, business_date, version, content_hash, status, contract_effective_from, contract_hash,
    received_at, decided_at, rows_in_files, rows_accepted, rows_rejected, rules) on ops.delivery to arrears_builder;
grant select (gate_run_id, boundary, delivery_id) on ops.gate_run to arrears_builder;
grant select (gate_run_id, success) on ops.gate_result to arrears_builder;
grant insert, update, delete on ops.lender, ops.lender_entity, ops.lender_convention to arrears_loader;
grant insert, update on ops.delivery to arrears_loader;
grant insert, update on ops.delivery_file to arrears_loader;
grant insert on ops.delivery_seen, ops.rejected_row to arrears_loader;
grant execute on function ops.forget_details(integer) to arrears_loader;
-- The loader judges deliveries: what parses strangers' files has no word on a candidate.
grant insert (boundary, delivery_id, outcome, started_at, finished_at) on ops.gate_run to arrears_loader;
grant insert on ops.gate_run to arrears_publisher;
grant insert on ops.gate_result to arrears_loader, arrears_publisher;
grant insert on ops.gate_held to arrears_publisher;
grant insert, update (status, finished_at) on ops.build to arrears_builder;
grant insert on ops.build_mart, ops.delivery_in_build to arrears_builder;
grant update (until_build) on ops.delivery_in_build to arrears_builder;
grant update (status) on ops.build to arrears_publisher;
grant insert, update (rows_added, rows_closed) on ops.publication to arrears_publisher;
grant insert on ops.publication_lender, ops.publication_change, ops.publication_let_go, ops.approval to arrears_publisher;
grant insert on ops.step_run to arrears_loader, arrears_builder, arrears_publisher;

-- candidate: built by dbt, compared and copied by the publisher.
grant usage on schema candidate to arrears_publisher;
grant select on all tables in schema candidate to arrears_publisher;
alter default privileges for role arrears_builder in schema candidate grant select on tables to arrears_publisher;

-- marts: the only thing BI sees. The views read published and ops with the publisher's rights.
grant usage on schema marts, marts_as_known to arrears_readers;
grant select on all tables in schema marts, marts_as_known to arrears_readers;
grant execute on function marts_as_known.named_publication() to arrears_readers;

-- A sort of hundreds of gigabytes would fill the server's disk, and stop every writer. Only a superuser may say so.
do $$
begin
    alter role arrears_reader set temp_file_limit = '10GB';
exception when insufficient_privilege then
    raise notice 'what arrears_reader may sort on disk is not limited: the owner is no superuser';
end
$$;

-- Large objects can be written by anybody who may connect, readers included. Nothing here uses them. Only a superuser
-- may change rights on built-in functions; on a server where the owner is none, this stays as the server has it.
do $$
begin
    revoke execute on function lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea), lo_import(text),
        lo_import(text, oid) from public;
exception when insufficient_privilege then
    raise notice 'large objects stay open to all roles: the owner is no superuser';
end
$$;
