-- Whether a build has kept which rows of a mart it changed, in a table candidate.<mart>_changed.
alter table ops.build_mart add column keeps_changes boolean not null default false;
