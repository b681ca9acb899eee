-- The deliveries that a build is made from, written down when it begins: a delivery that is accepted while it runs is in
-- the next one, and not half in this one. As intervals, because nearly all of a build's deliveries are the next one's too.
-- Build b was made from those with from_build <= b and (until_build is null or until_build > b). Builds from before this
-- table are not in it.
create table ops.delivery_in_build (
    delivery_id bigint not null references ops.delivery, from_build bigint not null references ops.build,
    until_build bigint references ops.build check (until_build > from_build),
    primary key (delivery_id, from_build)
);
create unique index delivery_in_build_open on ops.delivery_in_build (delivery_id) where until_build is null;

-- The build it went on from; null: it built everything.
alter table ops.build add column base_build bigint references ops.build;
