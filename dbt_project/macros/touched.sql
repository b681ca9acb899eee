{#- Builds recompute the loans that something happened to since the build before, and leave the others alone. A model about
    loans reads what is about loans through `touched`, and is written as if it read everything: the first build, and every
    build after a change of the project, does read everything. -#}

{#- The rows of a model about loans that this build recomputes: those of the touched loans, or all of them. -#}
{% macro touched(model, by='stg_touched_loan') -%}
    {%- set rows_of_all = ref(model) -%}
    {#- dbt learns of the dependency when it parses -#}
    {%- if not execute or goes_on() -%}
    {%- set touched_loans = ref(by) -%}
    (
        select all_rows.*
        from {{ rows_of_all }} as all_rows
        inner join {{ touched_loans }} as touched_loans
            on all_rows.lender = touched_loans.lender and all_rows.loan_id = touched_loans.loan_id
    )
    {%- else -%}
    {{ rows_of_all }}
    {%- endif -%}
{%- endmacro %}

{#- Whether the model being built goes on from the build before. -#}
{% macro goes_on() -%}
    {{ return(
        execute and this_build()['base_build'] is not none and not should_full_refresh()
        and load_cached_relation(this) is not none
    ) }}
{%- endmacro %}

{#- The materialization of models about loans: rows of the keys in `meta.recomputed` (a model; default: the touched loans)
    go, and what was computed for them comes, in one transaction. With meta.also_replaces, a key, also rows go that
    come again under it. Where there is nothing to go on from, a table. -#}
{% materialization touched, default %}
    {%- if not goes_on() -%}
        {{ return(materialization_table_default()) }}
    {%- endif -%}
    {%- set fresh = make_temp_relation(this).incorporate(type='table') -%}
    {%- set meta = config.get('meta') or {} -%}
    {%- set recomputed = this.incorporate(path={'schema': meta.get('recomputed_in', 'staging'),
        'identifier': meta.get('recomputed', 'stg_touched_loan')}) -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do run_query(get_create_table_as_sql(True, fresh, sql)) %}
    {% call statement('main') %}
        {{ delete_rows_of(recomputed, meta.get('recomputed_by', ['lender', 'loan_id'])) }}
        {%- if meta.get('also_replaces') %}
        {{ delete_rows_of(fresh, meta['also_replaces']) }}
        {%- endif %}
        insert into {{ this }} ({{ columns }}) select {{ columns }} from {{ fresh }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {% do drop_relation_if_exists(fresh) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}

{% macro delete_rows_of(keys, columns) -%}
    delete from {{ this }} as standing
    using {{ keys }} as gone
    where {% for column in columns %}standing.{{ column }} = gone.{{ column }}{{ ' and ' if not loop.last }}{% endfor %};
{%- endmacro %}

{#- A table as the build before left it: no dependency, for it may be read before it is rebuilt. Null where there is none. -#}
{% macro left_by_the_build_before(schema, table) -%}
    {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=table)) }}
{%- endmacro %}

{#- Models run by hand leave tables that no recorded build made, so that the next one has to build everything. -#}
{% macro forget_the_build_before() -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed'] and this_build()['build_id'] is none -%}
    drop table if exists {{ target.database }}.intermediate.build_to_go_on_from
    {%- endif -%}
{%- endmacro %}
