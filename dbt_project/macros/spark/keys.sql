{#- Spark enforces no key: that a key names one row and is never null is asked of the rows. -#}
{% macro spark__create_indexes(relation) -%}
    {%- set key = (config.get('meta') or {}).get('key') -%}
    {%- if key -%}{% do declare_key(relation, key) %}{%- endif -%}
{%- endmacro %}

{% macro spark__declare_key(relation, key) -%}
    {%- set broken -%}
        select {{ key | join(', ') }} from {{ relation }}
        group by {{ key | join(', ') }}
        having count(*) > 1{% for column in key %} or {{ column }} is null{% endfor %}
        limit 1
    {%- endset -%}
    {%- for row in run_query(broken) -%}
        {{ exceptions.raise_compiler_error(
            'The key ' ~ key | join(', ') ~ ' of ' ~ relation ~ ' does not name one row: ' ~ row.values() | join(', ')
        ) }}
    {%- endfor -%}
{%- endmacro %}
