-- Payments as sent: of those that are changed or restated the newest row, of those that are appended the first. The
-- same payment sent again counts once. Where a lender sends what has been paid on an instalment so far, payments are
-- what that total rose by from one accepted day to the next, so that a day delivered late falls into its place.
{%- set parts = ['amount', 'principal', 'interest', 'fee', 'penalty'] %}
with

newest as (
    {{ newest_rows(
        'payment', touched_by='stg_touched_payment', touched_key=['lender', 'payment_id']
    ) | indent(4) }}
),

totals_sent as (
    select payments.*
    from {{ source('raw', 'payment') }} as payments
    inner join {{ ref('stg_delivery') }} as deliveries on payments.delivery_id = deliveries.delivery_id
    inner join {{ source('ops', 'lender_entity') }} as entities
        on payments.lender = entities.lender and entities.entity = 'payment' and entities.is_cumulative
    {%- if not execute or goes_on() %}
    inner join {{ ref('stg_touched_loan') }} as touched_loans
        on payments.lender = touched_loans.lender and payments.loan_id = touched_loans.loan_id
    {%- endif %}
),

totals as (
    {{ newest_per_key(
        'totals_sent', ['lender', 'loan_id', 'instalment_no', 'business_date'], 'delivery_id desc, file_id desc, line_no desc',
        [
            'lender', 'business_date', 'delivery_id', 'file_id', 'line_no', 'payment_id', 'loan_id', 'instalment_no',
            'value_on', 'posted_on', 'kind', 'channel',
        ] + parts
    ) | indent(4) }}
),

with_total_before as (
    select
        totals.*,
        lag(value_on) over day_by_day as value_on_before,
        {% for part in parts -%}
        coalesce(lag({{ part }}) over day_by_day, 0) as {{ part }}_before{{ ',' if not loop.last }}
        {% endfor %}
    from totals
    window day_by_day as (partition by lender, loan_id, instalment_no order by business_date)
),

-- Less than the day before: money was taken back. A row that has gone back to the date of an older payment does not
-- say when; then it is the day on which we learn of it.
rises_and_falls as (
    select
        *,
        case when amount < amount_before then -1 else 1 end as direction,
        case
            when amount < amount_before and value_on < value_on_before then business_date else value_on
        end as moved_on,
        row_number() over (partition by lender, payment_id order by business_date, line_no) as times_sent
    from with_total_before
    where
        {% for part in parts -%}
        {{ part }} <> {{ part }}_before{{ ' or' if not loop.last }}
        {% endfor %}
)

select
    newest.lender,
    newest.payment_id,
    newest.loan_id,
    newest.instalment_no,
    newest.value_on,
    newest.posted_on,
    newest.kind,
    newest.amount,
    newest.principal,
    newest.interest,
    newest.fee,
    newest.penalty,
    newest.reverses_payment_id,
    newest.channel,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
{%- if not execute or goes_on() %}
inner join {{ ref('stg_touched_loan') }} as touched_loans
    on newest.lender = touched_loans.lender and newest.loan_id = touched_loans.loan_id
{%- endif %}
union all
select
    lender,
    -- a second movement under the id of the first needs one of its own
    case
        when times_sent = 1 then payment_id
        else payment_id || '@' || cast(business_date as {{ dbt.type_string() }})
    end as payment_id,
    loan_id,
    instalment_no,
    moved_on as value_on,
    case when moved_on = value_on then posted_on end as posted_on,
    case when direction < 0 then 'reversal' else kind end as kind,
    {% for part in parts -%}
    {{ money('direction * (' ~ part ~ ' - ' ~ part ~ '_before)') }} as {{ part }},
    {% endfor -%}
    cast(null as {{ dbt.type_string() }}) as reverses_payment_id,
    channel,
    business_date,
    delivery_id,
    file_id,
    line_no
from rises_and_falls
