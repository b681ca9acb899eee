-- The days on which a borrower was given relief: by an event that says so, or by a new schedule that nothing else
-- explains. A part prepayment re-plans a loan and is no relief.
with

relief_events as (
    select lender, loan_id, event_on as relieved_on
    from {{ touched('int_loan_event') }}
    where is_restructuring
),

prepayment_days as (
    select lender, loan_id, value_on as prepaid_on
    from {{ touched('int_payment') }}
    where bridge_column = 'prepaid' and settles_instalments and sign > 0
    group by lender, loan_id, value_on
),

-- something gave the borrower other dates or other amounts
unexplained_versions as (
    select versions.lender, versions.loan_id, versions.in_force_from as relieved_on
    from {{ touched('int_schedule_version') }} as versions
    left join prepayment_days
        on
            versions.lender = prepayment_days.lender
            and versions.loan_id = prepayment_days.loan_id
            and versions.in_force_from = prepayment_days.prepaid_on
    where
        not versions.is_original
        and versions.in_force_from < versions.in_force_until
        and prepayment_days.loan_id is null
)

select lender, loan_id, relieved_on from relief_events
union
select lender, loan_id, relieved_on from unexplained_versions
