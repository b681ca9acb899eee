-- The loans that this build recomputes: those that a delivery spoke of which came or went since the build it goes on
-- from, and those to which a day brings something by itself (a due date passes, a new schedule starts, a pause ends).
-- Empty for a build of everything.
--
-- The tables of the build before are read as it left them. A build that failed in between did no harm: what it took in
-- or left out counts as come or gone, too.
{%- set base_build = this_build()['base_build'] %}
{%- set of_loans = ['loan', 'instalment', 'loan_event', 'reported_position'] %}
{%- set milestones = {
    'int_loan': ['entered_on', 'terminal_on', 'settled_claimed_on'],
    'int_plan': ['in_force_from'],
    'int_pause': ['paused_from', 'paused_until'],
    'int_shortage': ['short_from', 'short_until'],
    'int_payment': ['value_on'],
} %}
{%- if execute and base_build is none %}
select
    cast(null as {{ dbt.type_string() }}) as lender,
    cast(null as {{ dbt.type_string() }}) as loan_id
where false
{%- else %}
{%- set loans_before = left_by_the_build_before('staging', 'stg_loan') %}
with

changed_deliveries as (
    select deliveries.delivery_id, deliveries.lender
    from {{ source('ops', 'delivery_in_build') }} as known
    inner join {{ source('ops', 'delivery') }} as deliveries on known.delivery_id = deliveries.delivery_id
    where known.from_build > {{ base_build | int }} or known.until_build > {{ base_build | int }}
    group by deliveries.delivery_id, deliveries.lender
),

reaches as (
    select
        lenders.lender,
        before.data_as_of as reached_before,
        max(deliveries.business_date) as reaches_now
    from {{ ref('stg_lender') }} as lenders
    left join {{ ref('stg_known_before') }} as before on lenders.lender = before.lender
    left join {{ ref('stg_delivery') }} as deliveries on lenders.lender = deliveries.lender
    group by lenders.lender, before.data_as_of
),

changed_payments as (
    select payments.lender, payments.payment_id
    from {{ source('raw', 'payment') }} as payments
    inner join changed_deliveries on payments.delivery_id = changed_deliveries.delivery_id
    group by payments.lender, payments.payment_id
),

spoken_of as (
    {% for entity in of_loans -%}
    select rows_sent.lender, rows_sent.loan_id
    from {{ source('raw', entity) }} as rows_sent
    inner join changed_deliveries on rows_sent.delivery_id = changed_deliveries.delivery_id
    union all
    {% endfor -%}
    -- an id may have been sent for another loan before
    select payments.lender, payments.loan_id
    from {{ source('raw', 'payment') }} as payments
    inner join changed_payments
        on payments.lender = changed_payments.lender and payments.payment_id = changed_payments.payment_id
    union all
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join {{ ref('stg_touched_borrower') }} as borrowers
        on loans.lender = borrowers.lender and coalesce(loans.borrower_id, loans.loan_id) = borrowers.borrower_id
    union all
    -- a snapshot speaks of the loans that it leaves out
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join (select lender from changed_deliveries group by lender) as lenders on loans.lender = lenders.lender
    inner join {{ source('ops', 'lender_entity') }} as entities
        on loans.lender = entities.lender and entities.mode = 'snapshot'
    union all
    -- one whose data reaches less far than before is seen as it was on an earlier day
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join reaches
        on
            loans.lender = reaches.lender
            and (reaches.reaches_now is null or reaches.reaches_now < reaches.reached_before)
),

passed as (
    {% for table, days in milestones.items() -%}
    {%- for day in days -%}
    select happenings.lender, happenings.loan_id
    from {{ left_by_the_build_before('intermediate', table) }} as happenings
    inner join reaches
        on
            happenings.lender = reaches.lender
            and happenings.{{ day }} > reaches.reached_before
            and happenings.{{ day }} <= reaches.reaches_now
    union all
    {% endfor -%}
    {%- endfor -%}
    select lender, loan_id from spoken_of
)

select lender, loan_id from passed group by lender, loan_id
{%- endif %}
