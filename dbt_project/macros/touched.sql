{#- Builds recompute the loans that something happened to since the build before, and leave the others alone. A model about
    loans reads what is about loans through `touched`, and is written as if it read everything: the first build, and every
    build after a change of the project, does read everything. -#}

{#- The rows of a model about loans that this build recomputes: those of the touched loans, or all of them. -#}
{% macro touched(model, by='stg_touched_loan') -%}
    {%- set rows_of_all = ref(model) -%}
    {#- dbt learns of the dependency when it parses -#}
    {%- if not execute or goes_on() -%}
    {%- set touched_loans = ref(by) -%}
    {%- if are_looked_up(rows_of_all, touched_loans, ['lender', 'loan_id']) -%}
    {{ rows_looked_up(rows_of_all, touched_loans, ['lender', 'loan_id']) }}
    {%- else -%}
    (
        select all_rows.*
        from {{ rows_of_all }} as all_rows
        inner join {{ touched_loans }} as touched_loans
            on all_rows.lender = touched_loans.lender and all_rows.loan_id = touched_loans.loan_id
    )
    {%- endif -%}
    {%- else -%}
    {{ rows_of_all }}
    {%- endif -%}
{%- endmacro %}

{#- Whether this build goes on from the build before. -#}
{% macro build_goes_on() -%}
    {{ return(execute and this_build()['base_build'] is not none and not should_full_refresh()) }}
{%- endmacro %}

{#- Whether the model being built does. -#}
{% macro goes_on() -%}
    {{ return(build_goes_on() and load_cached_relation(this) is not none) }}
{%- endmacro %}

{#- The materialization of models about loans: rows of the keys in `meta.recomputed` (a model; default: the touched loans)
    go, and what was computed for them comes, in one transaction. With meta.recomputed_after, {column: column of the
    keys}, only rows after what a key says there, if it says anything. With meta.tracks_changes only rows that differ go
    and come, and are kept for the sums they are in (macros/cells.sql) and for the publisher; its rows have to be unique.
    Where there is nothing to go on from, a table. -#}
{% materialization touched, default %}
    {%- set meta = config.get('meta') or {} -%}
    {%- if not goes_on() -%}
        {%- if meta.get('tracks_changes') -%}{% do lose_changes() %}{%- endif -%}
        {{ return(materialization_table_default()) }}
    {%- endif -%}
    {%- set fresh = make_temp_relation(this).incorporate(type='table') -%}
    {%- set recomputed = keys_of(this, meta) -%}
    {%- set is_recomputed = is_of(recomputed_by(meta), meta.get('recomputed_after', {})) -%}
    {%- set looked_up = are_looked_up(this, recomputed, recomputed_by(meta)) -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do run_query(get_create_table_as_sql(True, fresh, sql)) %}
    {% call statement('main') %}
        {%- set gone -%}
            {%- if looked_up -%}
            {{ places_looked_up(this, recomputed, is_recomputed) }}
            {%- else -%}
            select standing.*, standing.ctid as place
            from {{ this }} as standing inner join {{ recomputed }} as gone on {{ is_recomputed }}
            {%- endif -%}
        {%- endset %}
        {%- if meta.get('tracks_changes') %}
        {{ find_differences(gone, fresh, columns) }}
        {{ keep_changes(columns) }}
        {{ write_differences(columns) }}
        {%- elif looked_up %}
        delete from {{ this }} where ctid = any(array(select place from ({{ gone }}) as gone));
        insert into {{ this }} ({{ columns }}) select {{ columns }} from {{ fresh }}
        {%- else %}
        delete from {{ this }} as standing using {{ recomputed }} as gone where {{ is_recomputed }};
        insert into {{ this }} ({{ columns }}) select {{ columns }} from {{ fresh }}
        {%- endif %}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {% do drop_relation_if_exists(fresh) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}

{#- The keys for which a model with this `meta` is computed anew, and the columns in which its rows have them. -#}
{% macro keys_of(relation, meta) -%}
    {%- set meta = meta or {} -%}
    {{ return(relation.incorporate(path={
        'schema': meta.get('recomputed_in', 'staging'), 'identifier': meta.get('recomputed', 'stg_touched_loan')
    })) }}
{%- endmacro %}

{% macro recomputed_by(meta) %}{{ return((meta or {}).get('recomputed_by', ['lender', 'loan_id'])) }}{% endmacro %}

{#- Whether a standing row is one of a key that is computed anew. -#}
{% macro is_of(columns, after={}) -%}
    {% for column in columns %}standing.{{ column }} = gone.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- for column, limit in after.items() %}
    and (gone.{{ limit }} is null or standing.{{ column }} > gone.{{ limit }})
    {%- endfor %}
{%- endmacro %}

{#- A table as the build before left it: no dependency, for it may be read before it is rebuilt. Null where there is none. -#}
{% macro left_by_the_build_before(schema, table) -%}
    {{ return(adapter.get_relation(database=this.database, schema=schema, identifier=table)) }}
{%- endmacro %}

{#- Models run by hand leave tables that no recorded build made, so that the next one has to build everything. -#}
{% macro forget_the_build_before() %}{{ return(adapter.dispatch('forget_the_build_before', 'arrears')()) }}{% endmacro %}
{% macro default__forget_the_build_before() -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed'] and not build_under_way() -%}
    drop table if exists {{ target.database }}.intermediate.build_to_go_on_from
    {%- endif -%}
{%- endmacro %}
{#- On Spark nothing is built by hand: what there is to go on from is written down by `arrears build`, in the warehouse. -#}
{% macro spark__forget_the_build_before() %}{% endmacro %}
