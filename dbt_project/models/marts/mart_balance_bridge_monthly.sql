-- From each month's opening to its closing balance, by what moved it. Payments, exits and entries are what the sources
-- say; corrections is what they leave unexplained, so that the bridge ties and shows where it had to.
{%- set flows = ['disbursed', 'scheduled_principal', 'prepaid', 'waived', 'written_off', 'transferred'] %}
with

loans as (
    select
        loans.lender, loans.loan_id, loans.product, loans.entered_on, lenders.data_as_of, loans.enters_as_reported,
        loans.principal, loans.disbursed_on, loans.terminal_on, loans.terminal_amount
    from {{ ref('int_loan') }} as loans
    inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
    where loans.entered_on <= lenders.data_as_of
),

first_states as (
    {{ newest_per_key(
        ref('int_loan_state'), ['lender', 'loan_id'], 'valid_from',
        ['lender', 'loan_id', 'outstanding_principal', 'principal_at_exit']
    ) }}
),

-- a seasoned loan enters with the first balance its lender reports; only that is new to the book
entries as (
    select
        loans.lender,
        loans.product,
        {{ month_end('loans.entered_on') }} as month_end,
        'disbursed' as flow,
        case
            when loans.enters_as_reported
                then coalesce(first_states.principal_at_exit, first_states.outstanding_principal)
            else loans.principal
        end as amount
    from loans
    inner join first_states on loans.lender = first_states.lender and loans.loan_id = first_states.loan_id
),

-- Principal as our waterfall has it; where the balance is the lender's, the lender's own split explains it better.
-- A reported balance already contains what was paid on or before its day.
repayments as (
    select
        payments.lender,
        loans.product,
        {{ month_end('payments.value_on') }} as month_end,
        payments.bridge_column as flow,
        case
            when loans.enters_as_reported then coalesce(payments.principal_as_sent, payments.principal)
            else payments.principal
        end as amount
    from {{ ref('int_payment_allocation') }} as payments
    inner join loans on payments.lender = loans.lender and payments.loan_id = loans.loan_id
    where
        payments.settles_instalments
        and payments.value_on <= loans.data_as_of
        and (loans.terminal_on is null or payments.value_on <= loans.terminal_on)
        and (not loans.enters_as_reported or payments.value_on > loans.entered_on)
),

exits as (
    select
        loans.lender,
        loans.product,
        {{ month_end('states.valid_from') }} as month_end,
        case when states.state = 'written_off' then 'written_off' else 'transferred' end as flow,
        coalesce(loans.terminal_amount, states.principal_at_exit) as amount
    from {{ ref('int_loan_state') }} as states
    inner join loans
        on
            states.lender = loans.lender
            and states.loan_id = loans.loan_id
            and states.valid_from = greatest(loans.terminal_on, loans.entered_on)
    where states.is_terminal and states.state <> 'settled'
),

monthly_flows as (
    select
        lender,
        product,
        month_end,
        {% for flow in flows -%}
        sum(case when flow = '{{ flow }}' then amount else 0 end) as {{ flow }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select lender, product, month_end, flow, amount from entries
        union all
        select lender, product, month_end, flow, amount from repayments
        union all
        select lender, product, month_end, flow, amount from exits
    ) as all_flows
    group by lender, product, month_end
),

closings as (
    select lender, product, month_end, sum(outstanding_principal) as closing
    from {{ ref('fct_loan_month') }}
    group by lender, product, month_end
),

-- every month from the first loan on, also one without any flow
months as (
    select
        books.lender,
        books.product,
        calendar.date as month_end
    from (
        select lender, product, min(entered_on) as first_day, max(data_as_of) as data_as_of
        from loans
        group by lender, product
    ) as books
    inner join {{ ref('int_calendar') }} as calendar
        on
            calendar.is_month_end
            and books.first_day <= calendar.date
            and books.data_as_of >= calendar.date
),

bridge as (
    select
        months.lender,
        months.product,
        months.month_end,
        coalesce(
            lag(coalesce(closings.closing, 0)) over (
                partition by months.lender, months.product order by months.month_end
            ),
            0
        ) as opening,
        {% for flow in flows -%}
        coalesce(monthly_flows.{{ flow }}, 0) as {{ flow }},
        {% endfor -%}
        coalesce(closings.closing, 0) as closing
    from months
    left join closings
        on
            months.lender = closings.lender
            and months.product = closings.product
            and months.month_end = closings.month_end
    left join monthly_flows
        on
            months.lender = monthly_flows.lender
            and months.product = monthly_flows.product
            and months.month_end = monthly_flows.month_end
)

select
    lender,
    product,
    month_end,
    {{ money('opening') }} as opening,
    {{ money('disbursed') }} as disbursed,
    {{ money('scheduled_principal') }} as scheduled_principal,
    {{ money('prepaid') }} as prepaid,
    {{ money('waived') }} as waived,
    {{ money('written_off') }} as written_off,
    {{ money('transferred') }} as transferred,
    cast(
        closing - (opening + disbursed - scheduled_principal - prepaid - waived - written_off - transferred)
        as numeric(18, 2)
    ) as corrections,
    {{ money('closing') }} as closing
from bridge
