-- Every event by the close of the day asked about.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
select
    lender,
    loan_id,
    event_on,
    kind,
    amount,
    file_id,
    line_no
from {{ ref('stg_loan_event') }}
where event_on <= {{ day }}
order by lender, loan_id, event_on, kind
