-- Lenders that a judgement of a candidate holds back: of them the marts go on showing what was published before.
create table ops.gate_held (
    gate_run_id bigint not null references ops.gate_run,
    lender text not null,
    primary key (gate_run_id, lender)
);
