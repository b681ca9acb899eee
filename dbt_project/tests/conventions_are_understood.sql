-- A lender's convention that nothing here reads, or a value nothing here knows, would be ignored in silence.
{{ config(severity='warn') }}

select
    own.lender,
    own.product,
    own.convention,
    own.value
from {{ ref('stg_lender_convention') }} as own
left join {{ ref('conventions') }} as known on own.convention = known.convention
where
    known.convention is null
    or (own.convention = 'outstanding' and own.value not in ('computed', 'reported'))
    or (own.convention = 'allocation' and own.value not in ('waterfall', 'reported'))
    or (own.convention = 'basis' and own.value not in ('oldest_unpaid', 'missed_payments'))
    or (own.convention = 'day_count' and own.value not in ('days', '30_360', 'mba', 'ots'))
    or (own.convention = 'non_working_day' and own.value not in ('none', 'next'))
    or (
        own.convention = 'components'
        and own.value not like '%principal%' and own.value not like '%interest%'
        and own.value not like '%fee%' and own.value not like '%penalty%'
    )
    or (own.convention = 'first_day' and own.value not in ('0', '1'))
    or (own.convention = 'scheme' and own.value not in (select scheme from {{ ref('dpd_buckets') }}))
    or (own.convention = 'risk_regime' and own.value not in (select regime from {{ ref('risk_categories') }}))
    or (
        own.convention = 'allocation_order'
        and (
            own.value not like '%principal%'
            or own.value not like '%interest%'
            or own.value not like '%fee%'
            or own.value not like '%penalty%'
        )
    )
