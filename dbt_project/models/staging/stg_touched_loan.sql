-- The loans that this build recomputes: those of which deliveries that came or went since the build it goes on from say
-- something else than what stands, and those to which a day brings something by itself (a due date passes, a new
-- schedule starts, a pause ends). Empty for a build of everything.
--
-- Of a lender whose newer days are all that came, what they say is held against what stands: saying it again touches
-- nothing, and a snapshot touches what it leaves out. Of any other lender every loan spoken of is touched, and all of
-- them if it delivers snapshots. A position touches only loans whose balance is the one reported.
--
-- The tables of the build before are read as it left them. A build that failed in between did no harm: what it took in
-- or left out counts as come or gone, too.
{%- set base_build = this_build()['base_build'] %}
{%- set of_loans = ['loan', 'instalment', 'loan_event'] %}
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

newer_deliveries as (
    select delivery_id, lender, business_date from {{ ref('stg_changed_delivery') }} where only_newer
),

other_deliveries as (
    select delivery_id, lender from {{ ref('stg_changed_delivery') }} where not only_newer
),

reaches as (
    select
        lenders.lender,
        before.data_as_of as reached_before,
        before.reached_farthest,
        max(deliveries.business_date) as reaches_now
    from {{ ref('stg_lender') }} as lenders
    left join {{ ref('stg_known_before') }} as before on lenders.lender = before.lender
    left join {{ ref('stg_delivery') }} as deliveries on lenders.lender = deliveries.lender
    group by lenders.lender, before.data_as_of, before.reached_farthest
),

changed_payments as (
    select payments.lender, payments.payment_id, payments.loan_id
    from {{ source('raw', 'payment') }} as payments
    inner join other_deliveries on payments.delivery_id = other_deliveries.delivery_id
    union all
    {{ said_otherwise('payment', ['lender', 'payment_id', 'loan_id']) | indent(4) }}
),

payment_ids as (
    select lender, payment_id from changed_payments group by lender, payment_id
),

balances_reported as (
    select lender, loan_id
    from {{ left_by_the_build_before('intermediate', 'int_loan') }}
    where enters_as_reported
    union
    select lender, loan_id
    from {{ left_by_the_build_before('intermediate', 'int_plan') }}
    where outstanding = 'reported'
),

spoken_of as (
    {% for name in of_loans -%}
    select rows_sent.lender, rows_sent.loan_id
    from {{ source('raw', name) }} as rows_sent
    inner join other_deliveries on rows_sent.delivery_id = other_deliveries.delivery_id
    union all
    {{ said_otherwise(name, ['lender', 'loan_id']) | indent(4) }}
    union all
    {% endfor -%}
    select changed_payments.lender, changed_payments.loan_id from changed_payments
    union all
    -- an id may have been sent for another loan before
    select payments.lender, payments.loan_id
    from {{ source('raw', 'payment') }} as payments
    inner join payment_ids
        on payments.lender = payment_ids.lender and payments.payment_id = payment_ids.payment_id
    union all
    select positions.lender, positions.loan_id
    from {{ source('raw', 'reported_position') }} as positions
    inner join {{ ref('stg_changed_delivery') }} as deliveries on positions.delivery_id = deliveries.delivery_id
    inner join balances_reported
        on positions.lender = balances_reported.lender and positions.loan_id = balances_reported.loan_id
    union all
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join {{ ref('stg_touched_borrower') }} as borrowers
        on loans.lender = borrowers.lender and coalesce(loans.borrower_id, loans.loan_id) = borrowers.borrower_id
    union all
    -- a snapshot speaks of the loans that it leaves out
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join (select lender from other_deliveries group by lender) as lenders on loans.lender = lenders.lender
    inner join {{ source('ops', 'lender_entity') }} as entities
        on loans.lender = entities.lender and entities.mode = 'snapshot'
    union all
    -- one whose data reaches less far than before is seen as it was on an earlier day
    select loans.lender, loans.loan_id
    from {{ loans_before }} as loans
    inner join reaches
        on
            loans.lender = reaches.lender
            and (reaches.reaches_now is null or reaches.reaches_now < reaches.reached_farthest)
),

passed as (
    -- one that owes next to nothing is never short, and settled the day it falls due
    select instalments.lender, instalments.loan_id
    from {{ left_by_the_build_before('intermediate', 'int_instalment') }} as instalments
    inner join reaches
        on
            instalments.lender = reaches.lender
            and instalments.due_on > reaches.reached_before
            and instalments.due_on <= reaches.reaches_now
    where instalments.owed <= instalments.tolerance
    union all
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
