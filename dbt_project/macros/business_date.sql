{#- The one date a build knows. It has no default: a build that falls back to today gives another answer tomorrow. -#}
{% macro business_date() -%}
    {%- set given = var('business_date', none) | string -%}
    {%- if execute and not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', given) -%}
        {{ exceptions.raise_compiler_error(
            "The variable business_date is missing or not a date (got: " ~ given ~ "). "
            ~ "Say which day to build, for example: dbt build --vars '{business_date: 2024-01-31}'"
        ) }}
    {%- endif -%}
    cast('{{ given }}' as date)
{%- endmacro %}
