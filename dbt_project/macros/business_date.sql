{#- What is being built: {business_date, build_id, base_build}. `arrears build` puts it on record before it calls dbt, so that
    no variable changes from day to day and dbt need not parse the project anew, and says by its environment which build on
    record it is. By hand: the variable business_date (then there is no build_id, and no base_build to go on from). -#}
{% macro this_build() -%}
    {%- if var('business_date', none) is not none -%}
        {{ return({
            'business_date': var('business_date') | string, 'build_id': var('build_id', none),
            'base_build': var('base_build', none)
        }) }}
    {%- endif -%}
    {%- if not execute -%}
        {{ return({'business_date': none, 'build_id': none, 'base_build': none}) }}
    {%- endif -%}
    {#- Asked once, and kept where all nodes of a run see it: every model asks several times. -#}
    {%- if 'this_build' not in graph -%}
        {% do graph.update({'this_build': build_on_record()}) %}
    {%- endif -%}
    {{ return(graph['this_build']) }}
{%- endmacro %}

{#- The build that `arrears build` has started this dbt for. One that was killed is still on record as running, and is
    nobody else's. -#}
{% macro build_on_record() -%}
    {%- if build_under_way() -%}
        {%- for row in run_query(
            "select business_date, build_id, base_build from ops.build where status = 'running' and build_id = "
            ~ build_under_way()
        ) -%}
            {{ return({'business_date': row[0] | string, 'build_id': row[1], 'base_build': row[2]}) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return({'business_date': none, 'build_id': none, 'base_build': none}) }}
{%- endmacro %}

{#- Its number, or nothing. For models that run, never while dbt parses: it would parse anew what has read another number. -#}
{% macro build_under_way() %}{{ return(env_var('ARREARS_DBT_BUILD', '')) }}{% endmacro %}

{#- The one date a build knows. It has no default: a build that falls back to today gives another answer tomorrow. -#}
{% macro business_date() -%}
    {%- set given = this_build()['business_date'] | string -%}
    {%- if execute and not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', given) -%}
        {{ exceptions.raise_compiler_error(
            "The variable business_date is missing or not a date (got: " ~ given ~ "). "
            ~ "Say which day to build, for example: dbt build --vars '{business_date: 2024-01-31}'"
        ) }}
    {%- endif -%}
    cast('{{ given }}' as date)
{%- endmacro %}
