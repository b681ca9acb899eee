{{ config(materialized='cells', meta={
    'cells': 'int_first_payment_default_cell', 'cell': ['lender', 'product', 'due_month']
}) }}
-- Loans whose first, second or third instalment was still short some days after it fell due, by the month it fell due,
-- over the loans old enough to be asked, whatever became of them later. The exclusive form counts a loan only if none
-- of its earlier instalments was short at the close of its own window.
{%- set key = ['lender', 'product', 'due_month', 'instalment_no', 'window_days'] %}
{%- set measures = ['eligible_loans', 'eligible_principal', 'short_loans', 'short_principal', 'exclusive_short_loans',
    'exclusive_short_principal'] %}
with

-- loans by the day they are asked from, so that not every loan is multiplied by every window
due_days as (
    select
        lender,
        product,
        due_month,
        instalment_no,
        clock_due_on,
        count(*) as loans,
        sum(loan_principal) as principal
    from {{ in_cells(
        'int_due_instalment', 'int_first_payment_default_cell',
        on={'lender': 'lender', 'product': 'product', 'due_month': 'due_month'}
    ) }}
    where instalment_no between 1 and 3 and is_eligible
    group by lender, product, due_month, instalment_no, clock_due_on
),

eligible as (
    select
        due_days.lender,
        due_days.product,
        due_days.due_month,
        due_days.instalment_no,
        windows.window_days,
        due_days.loans,
        due_days.principal
    from due_days
    inner join {{ ref('int_lender') }} as lenders on due_days.lender = lenders.lender
    inner join {{ ref('fpd_windows') }} as windows
        on {{ add_days('due_days.clock_due_on', 'windows.window_days') }} <= lenders.data_as_of
),

-- an earlier instalment that was short counts against the exclusive form even if the loan was not asked for it
shortages as (
    select
        shortages.lender,
        shortages.loan_id,
        shortages.instalment_no,
        shortages.window_days,
        min(shortages.instalment_no) over (
            partition by shortages.lender, shortages.loan_id, shortages.window_days
        ) as first_short_no
    from {{ ref('int_due_shortage') }} as shortages
    inner join {{ ref('int_lender') }} as lenders
        on shortages.lender = lenders.lender and shortages.judged_on <= lenders.data_as_of
    where shortages.window_days > 0
),

short_loans as (
    select
        due.lender,
        due.product,
        due.due_month,
        due.instalment_no,
        shortages.window_days,
        due.loan_principal,
        case when shortages.first_short_no = due.instalment_no then 1 else 0 end as is_exclusive
    from shortages
    inner join {{ in_cells(
        'int_due_instalment', 'int_first_payment_default_cell',
        on={'lender': 'lender', 'product': 'product', 'due_month': 'due_month'}
    ) }} as due
        on
            shortages.lender = due.lender
            and shortages.loan_id = due.loan_id
            and shortages.instalment_no = due.instalment_no
            and due.is_eligible
),

parts as (
    select
        {{ key | join(', ') }}, loans as eligible_loans, principal as eligible_principal,
        0 as short_loans, 0 as short_principal, 0 as exclusive_short_loans, 0 as exclusive_short_principal
    from eligible
    union all
    select
        {{ key | join(', ') }}, 0 as eligible_loans, 0 as eligible_principal,
        1 as short_loans, loan_principal as short_principal,
        is_exclusive as exclusive_short_loans, is_exclusive * loan_principal as exclusive_short_principal
    from short_loans
)

select
    {{ key | join(',\n    ') }},
    {% for measure in measures -%}
    cast(sum({{ measure }}) as {{ 'bigint' if measure.endswith('loans') else 'numeric(18, 2)' }}) as {{ measure }}
    {{- ',' if not loop.last }}
    {% endfor %}
from parts
group by {{ key | join(', ') }}
