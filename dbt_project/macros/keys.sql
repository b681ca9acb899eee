{#- The key of a table (`meta.key`) is declared when dbt makes it, where dbt would make its indexes: no second row of a key
    and no null in one ever comes in, no test has to look through the whole table every day, and what a build takes out
    of it is found by loan. A mart's key is in its contract. -#}
{% macro default__create_indexes(relation) -%}
    {%- set key = (config.get('meta') or {}).get('key') -%}
    {%- if key -%}
        {% do run_query(declare_key(relation, key)) %}
    {%- endif -%}
{%- endmacro %}

{% macro declare_key(relation, key) %}{{ return(adapter.dispatch('declare_key', 'arrears')(relation, key)) }}{% endmacro %}
{% macro default__declare_key(relation, key) -%}
    alter table {{ relation }} add primary key ({{ key | join(', ') }})
{%- endmacro %}
