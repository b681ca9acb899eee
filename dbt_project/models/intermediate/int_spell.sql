-- Every maximal run [entered_on, exited_on) of days on which a loan in the book is past due (exited_on null: it still
-- is). A spell that is still to come is here as it will be if nothing happens: who asks, asks up to data_as_of.
with

states as (
    select *, coalesce(valid_to, {{ last_day_ever() }}) as valid_until
    from {{ touched('int_loan_state') }}
),

{{ overdue_runs() }}

select
    lender,
    loan_id,
    cast(spell_no as integer) as spell_no,
    min(overdue_from) as entered_on,
    nullif(max(valid_until), {{ last_day_ever() }}) as exited_on
from runs
group by lender, loan_id, spell_no
