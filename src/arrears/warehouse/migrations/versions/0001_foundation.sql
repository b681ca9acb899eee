-- The warehouse's own tables: raw (what lenders sent, typed), ops (what the pipeline did).
-- staging, intermediate and candidate belong to dbt; published, marts and marts_as_known to the publisher.
-- Roles and schemas exist already (see provision.py); this file runs as the warehouse's owner.

-- ── raw ────────────────────────────────────────────────────────────────────────────────────────────────
-- Append-only, partitioned by lender. file_id and line_no say where a row came from. change_op and changed_at
-- are set by lenders that deliver change operations (I, U, D).

create table raw.loan (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    loan_id text not null, borrower_id text, product text not null, purpose text, channel text, funder text,
    currency text not null, principal numeric(18, 2) not null, annual_rate numeric(9, 6), term_months integer,
    repayment_method text, disbursed_on date not null, first_due_on date, maturity_on date,
    credit_score numeric(9, 2), risk_grade text
) partition by list (lender);

create table raw.borrower (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    borrower_id text not null, birth_year integer, gender text, province text, income_band text, identity_hash text
) partition by list (lender);

create table raw.instalment (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    loan_id text not null, instalment_no integer not null, schedule_version integer not null, due_on date not null,
    principal_due numeric(18, 2) not null, interest_due numeric(18, 2) not null, fee_due numeric(18, 2) not null,
    penalty_due numeric(18, 2) not null, effective_on date
) partition by list (lender);

create table raw.payment (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    payment_id text not null, loan_id text not null, instalment_no integer, value_on date not null, posted_on date,
    kind text not null, amount numeric(18, 2) not null, principal numeric(18, 2), interest numeric(18, 2),
    fee numeric(18, 2), penalty numeric(18, 2), reverses_payment_id text, channel text
) partition by list (lender);

create table raw.loan_event (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    loan_id text not null, event_on date not null, kind text not null, amount numeric(18, 2), detail text
) partition by list (lender);

create table raw.collection_action (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    action_id text not null, loan_id text not null, acted_at timestamptz not null, channel text not null, agency text,
    connected boolean, party text, outcome text, promised_amount numeric(18, 2), promised_on date, complaint boolean
) partition by list (lender);

create table raw.reported_position (
    lender text not null, business_date date not null, delivery_id bigint not null, file_id bigint not null,
    line_no bigint not null, change_op char(1), changed_at timestamptz,
    loan_id text not null, as_of date not null, outstanding_principal numeric(18, 2),
    overdue_principal numeric(18, 2), dpd integer, status text
) partition by list (lender);

-- ── ops: lenders as their contracts describe them ──────────────────────────────────────────────────────

create table ops.lender (
    lender text primary key, name_en text not null, name_zh text, currency text not null, timezone text not null,
    calendar text not null check (calendar in ('daily', 'month_end')),
    delivery_deadline time not null, contract_effective_from date not null, contract_hash text not null
);

create table ops.lender_entity (   -- how each entity is delivered: snapshot, upsert, append, changes
    lender text not null references ops.lender, entity text not null,
    mode text not null check (mode in ('snapshot', 'upsert', 'append', 'changes')),
    primary key (lender, entity)
);

create table ops.lender_convention (   -- where a lender, or one of its products, differs from the default conventions
    lender text not null references ops.lender, product text, convention text not null, value text not null,
    effective_from date not null,
    unique nulls not distinct (lender, product, convention, effective_from)
);

-- ── ops: deliveries ────────────────────────────────────────────────────────────────────────────────────

create table ops.delivery (
    delivery_id bigint generated always as identity primary key,
    lender text not null, business_date date not null, version integer not null, content_hash text not null,
    -- loaded: rows are in raw and wait for the delivery gate. At most one accepted version per lender and day.
    status text not null check (status in ('loaded', 'accepted', 'refused', 'superseded')),
    contract_effective_from date, contract_hash text,
    received_at timestamptz not null default clock_timestamp(), decided_at timestamptz,
    rows_in_files bigint not null default 0, rows_accepted bigint not null default 0,
    rows_rejected bigint not null default 0, reasons jsonb not null default '[]',
    unique (lender, business_date, version)
);
create unique index delivery_one_accepted on ops.delivery (lender, business_date) where status = 'accepted';

create table ops.delivery_file (
    file_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.delivery, resource text not null, path text not null,
    sha256 text not null, bytes bigint not null,
    rows_in_file bigint not null, rows_accepted bigint not null, rows_rejected bigint not null,
    check (rows_in_file = rows_accepted + rows_rejected)
);

create table ops.delivery_seen (   -- the same bytes arriving again change nothing, but are on record
    delivery_id bigint not null references ops.delivery, seen_at timestamptz not null default clock_timestamp()
);

create table ops.rejected_row (
    delivery_id bigint not null references ops.delivery, file_id bigint not null references ops.delivery_file,
    line_no bigint not null, column_name text not null, value_masked text, rule text not null
);
create index rejected_row_delivery on ops.rejected_row (delivery_id);

-- ── ops: builds, gates, publications ───────────────────────────────────────────────────────────────────

create table ops.build (
    build_id bigint generated always as identity primary key, business_date date not null,
    status text not null check (status in ('running', 'built', 'failed', 'published', 'refused')),
    code_version text not null, started_at timestamptz not null default clock_timestamp(), finished_at timestamptz
);

create table ops.build_mart (   -- what the build offers for publication, as its dbt contracts declare it
    build_id bigint not null references ops.build, mart text not null, key_columns text[] not null,
    period_column text, comment text,
    primary key (build_id, mart)
);

create table ops.gate_run (
    gate_run_id bigint generated always as identity primary key,
    boundary text not null check (boundary in ('delivery', 'candidate', 'publication')),
    delivery_id bigint references ops.delivery, build_id bigint references ops.build,
    outcome text not null check (outcome in ('pass', 'warn', 'fail')),
    started_at timestamptz not null, finished_at timestamptz not null
);

create table ops.gate_result (
    gate_run_id bigint not null references ops.gate_run, suite text not null, expectation text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')), success boolean not null,
    unexpected_count bigint, observed text, notes text
);
create index gate_result_run on ops.gate_result (gate_run_id);

create table ops.publication (
    publication_id bigint primary key,
    published_at timestamptz not null default clock_timestamp(), business_date date not null,
    build_id bigint not null unique references ops.build,
    gate_status text not null, approved_by text, rows_added bigint not null, rows_closed bigint not null,
    code_version text not null
);

create table ops.publication_lender (
    publication_id bigint not null references ops.publication, lender text not null,
    data_as_of date, is_stale boolean not null,
    primary key (publication_id, lender)
);

create table ops.publication_change (
    publication_id bigint not null references ops.publication, mart text not null, lender text, period date,
    rows_added bigint not null, rows_changed bigint not null, rows_removed bigint not null,
    is_restatement boolean not null,
    unique nulls not distinct (publication_id, mart, lender, period)
);

create table ops.reader_lender (   -- a reader role named here sees these lenders only; others see all
    role_name text not null, lender text not null, primary key (role_name, lender)
);

create table ops.step_run (   -- the run log: one row per step of a run
    step_run_id bigint generated always as identity primary key,
    step text not null, lender text, business_date date, outcome text not null, rows bigint, detail text,
    started_at timestamptz not null, finished_at timestamptz not null
);

-- ── marts: the record of publications, for BI ──────────────────────────────────────────────────────────

create view marts.publication with (security_barrier) as
select
    publication_id, published_at, business_date,
    publication_id = (select max(newest.publication_id) from ops.publication as newest) as is_current,
    gate_status, approved_by, rows_added, rows_closed, code_version
from ops.publication;

create view marts.publication_lender with (security_barrier) as
select publication_id, lender, data_as_of, is_stale
from ops.publication_lender
where
    not exists (select from ops.reader_lender as mine where mine.role_name = current_user)
    or lender in (select mine.lender from ops.reader_lender as mine where mine.role_name = current_user);

create view marts.publication_change with (security_barrier) as
select publication_id, mart, lender, period, rows_added, rows_changed, rows_removed, is_restatement
from ops.publication_change
where
    lender is null
    or not exists (select from ops.reader_lender as mine where mine.role_name = current_user)
    or lender in (select mine.lender from ops.reader_lender as mine where mine.role_name = current_user);

grant usage on schema ops to arrears_publisher;
grant select on ops.publication, ops.publication_lender, ops.publication_change, ops.reader_lender
    to arrears_publisher;
alter view marts.publication owner to arrears_publisher;
alter view marts.publication_lender owner to arrears_publisher;
alter view marts.publication_change owner to arrears_publisher;

comment on view marts.publication is 'Every publication ever made, newest is current (发布记录)';
comment on column marts.publication.publication_id is 'Number of the publication (发布编号)';
comment on column marts.publication.published_at is 'When it was committed (发布时间)';
comment on column marts.publication.business_date is 'The business date it was built for (业务日期)';
comment on column marts.publication.is_current is 'Whether the marts show this publication now (是否当前)';
comment on column marts.publication.gate_status is 'What the gate said: pass or warn (校验结果)';
comment on column marts.publication.approved_by is 'Who approved it where only warnings stood in the way (批准人)';
comment on column marts.publication.rows_added is 'Rows written, over all marts (新增行数)';
comment on column marts.publication.rows_closed is 'Rows that stopped being current, over all marts (失效行数)';
comment on column marts.publication.code_version is 'Version of arrears that built it (代码版本)';

comment on view marts.publication_lender is 'How fresh each lender was in each publication (各平台数据日期)';
comment on column marts.publication_lender.publication_id is 'Number of the publication (发布编号)';
comment on column marts.publication_lender.lender is 'Lender (平台)';
comment on column marts.publication_lender.data_as_of is 'Business date of the lender''s newest accepted delivery (数据截止日)';
comment on column marts.publication_lender.is_stale is 'Whether the lender was behind the business date (是否过期)';

comment on view marts.publication_change is 'What each publication changed: the restatement report (重述报告)';
comment on column marts.publication_change.publication_id is 'Number of the publication that made the change (发布编号)';
comment on column marts.publication_change.mart is 'Mart (数据集市表)';
comment on column marts.publication_change.lender is 'Lender, null for rows that belong to none (平台)';
comment on column marts.publication_change.period is 'Last day of the month that the rows describe, null for undated rows (期间)';
comment on column marts.publication_change.rows_added is 'Rows that were not there before (新增行数)';
comment on column marts.publication_change.rows_changed is 'Rows whose content changed (变更行数)';
comment on column marts.publication_change.rows_removed is 'Rows that are no longer there (移除行数)';
comment on column marts.publication_change.is_restatement is 'Whether already published history changed (是否重述)';

-- Deliveries are appended, so a delivery's rows lie together: a block-range index finds them for almost nothing.
create index loan_delivery on raw.loan using brin (delivery_id);
create index borrower_delivery on raw.borrower using brin (delivery_id);
create index instalment_delivery on raw.instalment using brin (delivery_id);
create index payment_delivery on raw.payment using brin (delivery_id);
create index loan_event_delivery on raw.loan_event using brin (delivery_id);
create index collection_action_delivery on raw.collection_action using brin (delivery_id);
create index reported_position_delivery on raw.reported_position using brin (delivery_id);
