{#- Schemas are named exactly as in the architecture (staging, intermediate, candidate), never prefixed. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
