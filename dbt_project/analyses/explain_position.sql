-- What the lender itself said last of every loan, on or before the day asked about.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
with

positions as (
    select * from {{ ref('stg_reported_position') }} where as_of <= {{ day }}
)

{{ newest_per_key(
    'positions', ['lender', 'loan_id'], 'as_of desc',
    ['lender', 'loan_id', 'as_of', 'outstanding_principal', 'overdue_principal', 'dpd', 'status', 'file_id', 'line_no']
) }}
