-- Borrowers of whom deliveries that came or went since the build before say something else than what stands.
{%- set base_build = this_build()['base_build'] %}
{%- if execute and base_build is none %}
select
    cast(null as {{ dbt.type_string() }}) as lender,
    cast(null as {{ dbt.type_string() }}) as borrower_id
where false
{%- else %}
with

newer_deliveries as (
    select delivery_id, lender, business_date from {{ ref('stg_changed_delivery') }} where only_newer
),

spoken_of as (
    select borrowers.lender, borrowers.borrower_id
    from {{ source('raw', 'borrower') }} as borrowers
    inner join {{ ref('stg_changed_delivery') }} as deliveries
        on borrowers.delivery_id = deliveries.delivery_id and not deliveries.only_newer
    union all
    {{ said_otherwise('borrower', ['lender', 'borrower_id']) | indent(4) }}
)

select lender, borrower_id from spoken_of group by lender, borrower_id
{%- endif %}
