-- A row that deletes (change_op D) carries the key of what it deletes and no more: what every other row must have is
-- a check from now on. `not valid`: rows that are there already were held to more, so no table is read.

alter table raw.loan
    alter product drop not null, alter currency drop not null, alter principal drop not null,
    alter disbursed_on drop not null,
    add constraint loan_whole check (
        product is not null and currency is not null and principal is not null and disbursed_on is not null
        or change_op is not distinct from 'D'
    ) not valid;

alter table raw.instalment
    alter due_on drop not null, alter principal_due drop not null, alter interest_due drop not null,
    alter fee_due drop not null, alter penalty_due drop not null,
    add constraint instalment_whole check (
        due_on is not null and principal_due is not null and interest_due is not null and fee_due is not null
        and penalty_due is not null
        or change_op is not distinct from 'D'
    ) not valid;

alter table raw.payment
    alter loan_id drop not null, alter value_on drop not null, alter kind drop not null, alter amount drop not null,
    add constraint payment_whole check (
        loan_id is not null and value_on is not null and kind is not null and amount is not null
        or change_op is not distinct from 'D'
    ) not valid;

alter table raw.collection_action
    alter loan_id drop not null, alter acted_at drop not null, alter channel drop not null,
    add constraint collection_action_whole check (
        loan_id is not null and acted_at is not null and channel is not null
        or change_op is not distinct from 'D'
    ) not valid;

-- whether the payments of a lender are what has been paid on an instalment so far, instead of one payment each
alter table ops.lender_entity add column is_cumulative boolean not null default false;

-- A partition knows its lender, so that it need not be sent with every row. New ones are made so.
do $$
declare
    part record;
begin
    for part in
        select
            children.oid::regclass as name,
            substring(pg_get_expr(children.relpartbound, children.oid) from '''(.*)''') as lender
        from pg_inherits
        inner join pg_class as children on pg_inherits.inhrelid = children.oid
        inner join pg_class as parents on pg_inherits.inhparent = parents.oid
        where parents.relnamespace = 'raw'::regnamespace and children.relkind = 'r'
    loop
        execute 'alter table ' || part.name || ' alter lender set default ' || quote_literal(part.lender);
    end loop;
end $$;
