-- Publications that can no longer be shown: the rows that only they had were removed. The record of them stays.
create table ops.publication_let_go (
    publication_id bigint primary key references ops.publication,
    let_go_at timestamptz not null default clock_timestamp()
);

grant select on ops.publication_let_go to arrears_publisher;
set local role arrears_publisher;

create or replace view marts.publication with (security_barrier) as
select
    publication_id, published_at, business_date,
    publication_id = (select max(newest.publication_id) from ops.publication as newest) as is_current,
    gate_status, approved_by, rows_added, rows_closed, code_version, reason, restores,
    not exists (
        select from ops.publication_let_go as gone where gone.publication_id = publication.publication_id
    ) as is_kept
from ops.publication;
comment on column marts.publication.is_kept is 'Whether marts_as_known can still show it (是否保留)';

-- Which publication a session asks for: the one it named, else the newest. A number that was never published, or can no
-- longer be shown, is an error: the rows that happen to be left would be a wrong answer.
create function marts_as_known.named_publication() returns bigint
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
    named constant text := nullif(current_setting('arrears.publication', true), '');
begin
    if named is null then
        return (select max(publication_id) from ops.publication);
    end if;
    if named !~ '^[0-9]{1,18}$'
        or not exists (select from ops.publication where publication_id = cast(named as bigint)) then
        raise exception 'There is no publication %.', named
            using hint = 'marts.publication lists those there are.', errcode = 'invalid_parameter_value';
    end if;
    if exists (select from ops.publication_let_go where publication_id = cast(named as bigint)) then
        raise exception 'Publication % is on record, but its rows are no longer kept.', named
            using hint = 'marts.publication says in is_kept which can be shown.', errcode = 'invalid_parameter_value';
    end if;
    return cast(named as bigint);
end
$$;
revoke execute on function marts_as_known.named_publication() from public;
grant execute on function marts_as_known.named_publication() to arrears_reader;

-- The views there are ask it, too. (New ones are made by arrears.publish.mart.)
do $$
declare
    mart record;
begin
    for mart in
        select
            c.relname,
            string_agg(format('p.%I', a.attname), ', ' order by a.attnum) as columns,
            bool_or(a.attname = 'lender') as has_lender
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 1
        where c.relnamespace = 'marts_as_known'::regnamespace and c.relkind = 'v'
        group by c.relname
    loop
        execute format(
            'create or replace view marts_as_known.%1$I with (security_barrier) as '
            'select (select marts_as_known.named_publication()) as publication_id, %2$s from published.%1$I as p '
            'where p.published_in <= (select marts_as_known.named_publication()) and (p.superseded_in is null '
            'or p.superseded_in > (select marts_as_known.named_publication())) and %3$s',
            mart.relname, mart.columns,
            case when mart.has_lender then
                '(not exists (select from ops.reader_lender as mine where mine.role_name = current_user) '
                'or p.lender in (select mine.lender from ops.reader_lender as mine where mine.role_name = current_user))'
            else 'true' end
        );
    end loop;
end
$$;
reset role;
