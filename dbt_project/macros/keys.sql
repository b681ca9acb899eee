{#- The key of a table (`meta.key`) is declared when dbt makes it, where dbt would make its indexes: no second row of a key
    and no null in one ever comes in, no test has to look through the whole table every day, and what a build takes out
    of it is found by loan. A mart's key is in its contract. Where the key does not begin with the loan, a table about loans
    has an index that does (macros/lookup.sql). -#}
{% macro default__create_indexes(relation) -%}
    {%- set key = (config.get('meta') or {}).get('key') -%}
    {%- if key -%}
        {% do run_query(declare_key(relation, key)) %}
    {%- endif -%}
    {%- set in_contract = model.get('constraints', []) | selectattr('type', 'equalto', 'primary_key') | map(attribute='columns') -%}
    {%- set by = (key or in_contract | first or [])[:2] -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
    {%- if config.get('materialized') == 'touched' and by != ['lender', 'loan_id'] and 'loan_id' in columns -%}
        {% do run_query(add_index(relation, ['lender', 'loan_id'])) %}
    {%- endif -%}
{%- endmacro %}

{% macro declare_key(relation, key) %}{{ return(adapter.dispatch('declare_key', 'arrears')(relation, key)) }}{% endmacro %}
{% macro default__declare_key(relation, key) -%}
    alter table {{ relation }} add primary key ({{ key | join(', ') }})
{%- endmacro %}

{% macro add_index(relation, columns) %}{{ return(adapter.dispatch('add_index', 'arrears')(relation, columns)) }}{% endmacro %}
{% macro default__add_index(relation, columns) -%}
    create index on {{ relation }} ({{ columns | join(', ') }})
{%- endmacro %}
