{#- Seeds on Spark. dbt-spark binds every number as a float and a null as the word None, and knows no type named text; so the
    rows are written out with their types, and the table is made of them in one statement. -#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {% call statement('_') %}
        create table {{ this }} using parquet as
        select
            {% for column in agate_table.column_names -%}
            cast({{ column }} as {{ spark_type(types.get(column) or adapter.convert_type(agate_table, loop.index0)) }}) as {{ column }}
            {{- ',' if not loop.last }}
            {% endfor %}
        from values
            {% for row in agate_table.rows -%}
            ({% for value in row %}{{ spark_literal(value) }}{{ ', ' if not loop.last }}{% endfor %}){{ ',' if not loop.last }}
            {% endfor %}
        as seed ({{ agate_table.column_names | join(', ') }})
    {% endcall %}
    {{ return('') }}
{%- endmacro %}

{#- They are in already. -#}
{% macro spark__load_csv_rows(model, agate_table) %}{{ return('') }}{% endmacro %}

{% macro spark_type(type) %}{{ return('string' if type == 'text' else type) }}{% endmacro %}

{% macro spark_literal(value) -%}
    {%- if value is none -%}null
    {%- else -%}'{{ value | string | replace('\\', '\\\\') | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}
