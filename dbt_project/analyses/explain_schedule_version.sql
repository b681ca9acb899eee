-- The schedule versions of every loan: from when to when each is in force, and the row that began it. One that is never in
-- force was replaced before it could be.
with

instalments as (
    select *, row_number() over (
        partition by lender, loan_id, schedule_version order by business_date, file_id, line_no
    ) as first_first
    from {{ ref('stg_instalment') }}
),

sizes as (
    select
        lender, loan_id, schedule_version,
        count(*) as instalments, min(due_on) as first_due_on, max(due_on) as last_due_on
    from {{ ref('stg_instalment') }}
    group by lender, loan_id, schedule_version
)

select
    versions.lender,
    versions.loan_id,
    versions.schedule_version,
    versions.is_original,
    nullif(versions.in_force_from, {{ first_day_ever() }}) as in_force_from,
    nullif(versions.in_force_until, {{ last_day_ever() }}) as in_force_until,
    versions.in_force_from < versions.in_force_until as is_ever_in_force,
    sizes.instalments,
    sizes.first_due_on,
    sizes.last_due_on,
    instalments.file_id,
    instalments.line_no
from {{ ref('int_schedule_version') }} as versions
inner join sizes
    on
        versions.lender = sizes.lender
        and versions.loan_id = sizes.loan_id
        and versions.schedule_version = sizes.schedule_version
inner join instalments
    on
        versions.lender = instalments.lender
        and versions.loan_id = instalments.loan_id
        and versions.schedule_version = instalments.schedule_version
        and instalments.first_first = 1
order by versions.lender, versions.loan_id, versions.schedule_version
