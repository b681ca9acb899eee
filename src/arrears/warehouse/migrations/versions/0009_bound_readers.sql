-- A reader is bound to lenders by the name it logged in with as well: by that of its role alone it sees every lender
-- after `set role arrears_reader`, which a member may say.
set local role arrears_publisher;

create or replace view marts.publication_lender with (security_barrier) as
select publication_id, lender, data_as_of, is_stale
from ops.publication_lender
where
    not exists (select from ops.reader_lender as mine where mine.role_name in (current_user, session_user))
    or lender in (select mine.lender from ops.reader_lender as mine where mine.role_name in (current_user, session_user));

create or replace view marts.publication_change with (security_barrier) as
select publication_id, mart, lender, period, rows_added, rows_changed, rows_removed, is_restatement
from ops.publication_change
where
    lender is null
    or not exists (select from ops.reader_lender as mine where mine.role_name in (current_user, session_user))
    or lender in (select mine.lender from ops.reader_lender as mine where mine.role_name in (current_user, session_user));

-- The views of marts there are. (New ones are made by arrears.publish.mart.)
do $$
declare
    mart record;
    visible constant text :=
        '(not exists (select from ops.reader_lender as mine where mine.role_name in (current_user, session_user)) '
        'or p.lender in (select mine.lender from ops.reader_lender as mine '
        'where mine.role_name in (current_user, session_user)))';
begin
    for mart in
        select c.relname, string_agg(format('p.%I', a.attname), ', ' order by a.attnum) as columns
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 1
        where c.relnamespace = 'marts_as_known'::regnamespace and c.relkind = 'v'
        group by c.relname
        having bool_or(a.attname = 'lender')
    loop
        execute format(
            'create or replace view marts.%1$I with (security_barrier) as '
            'select (select max(publication_id) from ops.publication) as publication_id, %2$s from published.%1$I as p '
            'where p.superseded_in is null and %3$s',
            mart.relname, mart.columns, visible
        );
        execute format(
            'create or replace view marts_as_known.%1$I with (security_barrier) as '
            'select (select marts_as_known.named_publication()) as publication_id, %2$s from published.%1$I as p '
            'where p.published_in <= (select marts_as_known.named_publication()) and (p.superseded_in is null '
            'or p.superseded_in > (select marts_as_known.named_publication())) and %3$s',
            mart.relname, mart.columns, visible
        );
    end loop;
end
$$;
reset role;
