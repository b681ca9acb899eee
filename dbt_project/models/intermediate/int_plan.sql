-- What a loan is measured by: a schedule version and the conventions of an era together. In force in
-- [in_force_from, in_force_until): on every day exactly one plan of a loan is. The original version goes on measuring
-- the contractual days past due in every era. A loan without instalments has plans without a version.
{%- set conventions = ['first_day', 'tol_abs', 'tol_pct', 'grace_days', 'outstanding', 'allocation', 'basis',
    'day_count', 'non_working_day', 'scheme', 'default_dpd', 'risk_regime'] %}
{%- for component in components() %}
{%- do conventions.extend([component ~ '_rank', component ~ '_counts']) %}
{%- endfor %}
with

pairs as (
    select
        loans.lender,
        loans.loan_id,
        loans.product,
        versions.schedule_version,
        coalesce(versions.is_original, true) as is_original,
        versions.known_from,
        coalesce(versions.in_force_from, {{ first_day_ever() }}) as version_from,
        coalesce(versions.in_force_until, {{ last_day_ever() }}) as version_until,
        -- money may be dated before the loan: it is measured like the loan's first day
        case when eras.in_force_from <= loans.disbursed_on then {{ first_day_ever() }} else eras.in_force_from end
            as era_from,
        eras.in_force_until as era_until,
        {% for convention in conventions -%}
        eras.{{ convention }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('stg_loan') }} as loans
    inner join {{ ref('int_convention') }} as eras
        on
            loans.lender = eras.lender
            and loans.product = eras.product
            and loans.disbursed_on < eras.in_force_until
    left join {{ touched('int_schedule_version') }} as versions
        on loans.lender = versions.lender and loans.loan_id = versions.loan_id
),

windows as (
    select
        *,
        greatest(version_from, era_from) as in_force_from,
        least(version_until, era_until) as in_force_until,
        -- a version that never was in force is judged in the era in which it was replaced
        version_from >= version_until and version_until > era_from and version_until <= era_until
            as is_never_in_force,
        -- and one that is announced, while it has not started, in the era of the day
        coalesce(era_from < least(version_from, version_until) and era_until > known_from, false) as is_announced
    from pairs
)

select
    lender,
    loan_id,
    product,
    row_number() over (partition by lender, loan_id order by era_from, schedule_version) as plan_no,
    schedule_version,
    is_original,
    in_force_from,
    in_force_until,
    version_until,
    era_from,
    era_until,
    {% for convention in conventions -%}
    {{ convention }}{{ ',' if not loop.last }}
    {% endfor %}
from windows
where is_original or in_force_from < in_force_until or is_never_in_force or is_announced
