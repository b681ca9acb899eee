-- Borrowers of whom a delivery spoke that came or went since the build before.
{%- set base_build = this_build()['base_build'] %}
select
    borrowers.lender,
    borrowers.borrower_id
from {{ source('raw', 'borrower') }} as borrowers
inner join {{ source('ops', 'delivery_in_build') }} as known on borrowers.delivery_id = known.delivery_id
where
    {% if base_build is none -%}
    false
    {%- else -%}
    known.from_build > {{ base_build | int }} or known.until_build > {{ base_build | int }}
    {%- endif %}
group by borrowers.lender, borrowers.borrower_id
