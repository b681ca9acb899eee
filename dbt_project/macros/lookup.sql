{#- A day touches few loans of many. Their rows are looked up one loan after another in a table's index then, instead of
    reading the whole table and holding it against the few: what that costs grows with the history, and this does not.
    The planner may not choose so by itself (provision.py: what is joined with an estimate of a handful of rows would be
    looped over), so it is written out where the numbers are known. -#}

{#- How many rows a table has for one key before looking keys up pays. A key costs about as much as reading so many rows. -#}
{% macro rows_worth_a_lookup() %}{{ return(50) }}{% endmacro %}

{#- Whether the rows of these keys are looked up: an index begins with their columns, and the keys are few. -#}
{% macro are_looked_up(relation, keys, columns) %}{{ return(adapter.dispatch('are_looked_up', 'arrears')(relation, keys, columns)) }}{% endmacro %}
{% macro spark__are_looked_up(relation, keys, columns) %}{{ return(false) }}{% endmacro %}
{% macro default__are_looked_up(relation, keys, columns) -%}
    {#- In a unit test there are fixtures, and no tables to look anything up in. -#}
    {%- if not build_goes_on() or relation.is_cte or keys.is_cte -%}{{ return(false) }}{%- endif -%}
    {%- set found = indexed_tables().get(relation.schema ~ '.' ~ relation.identifier) -%}
    {%- if found is none or columns | sort not in found['prefixes'] -%}{{ return(false) }}{%- endif -%}
    {{ return(rows_in(keys) * rows_worth_a_lookup() <= found['rows']) }}
{%- endmacro %}

{#- By schema.table: its rows, as last counted, and the sets of columns that its indexes begin with. Asked once in a build,
    before which the tables that stand were left: one that is made anew meanwhile has the same indexes. -#}
{% macro indexed_tables() -%}
    {%- if 'indexed_tables' not in graph -%}
        {%- set tables = {} -%}
        {%- for table, rows, named in run_query(indexes_on_record()) -%}
            {%- set found = tables.setdefault(table, {'rows': rows | int, 'prefixes': []}) -%}
            {%- set columns = named.split(',') -%}
            {%- for length in range(1, columns | length + 1) -%}
                {%- do found['prefixes'].append(columns[:length] | sort) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do graph.update({'indexed_tables': tables}) -%}
    {%- endif -%}
    {{ return(graph['indexed_tables']) }}
{%- endmacro %}

{% macro indexes_on_record() -%}
    select
        schemas.nspname || '.' || tables.relname,
        tables.reltuples,
        (
            select string_agg(attributes.attname, ',' order by parts.place)
            from unnest(indexes.indkey) with ordinality as parts (attnum, place)
            inner join pg_attribute as attributes
                on attributes.attrelid = tables.oid and attributes.attnum = parts.attnum
        )
    from pg_index as indexes
    inner join pg_class as tables on indexes.indrelid = tables.oid
    inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
    where schemas.nspname in ('staging', 'intermediate', 'candidate') and indexes.indpred is null and indexes.indexprs is null
{%- endmacro %}

{#- Rows of a table of keys, counted once in a build. -#}
{% macro rows_in(keys) -%}
    {%- set counts = graph.setdefault('rows_in', {}) -%}
    {%- if keys.identifier not in counts -%}
        {%- do counts.update({keys.identifier: run_query('select count(*) from ' ~ keys)[0][0] | int}) -%}
    {%- endif -%}
    {{ return(counts[keys.identifier]) }}
{%- endmacro %}

{#- The rows of the keys. `offset 0` keeps the planner from making a join of it. -#}
{% macro rows_looked_up(relation, keys, columns) -%}
    (
        select all_rows.*
        from {{ keys }} as looked_up
        cross join lateral (
            select *
            from {{ relation }} as candidates
            where
                {% for column in columns -%}
                candidates.{{ column }} = looked_up.{{ column }}{{ ' and ' if not loop.last }}
                {%- endfor %}
            offset 0
        ) as all_rows
        offset 0
    )
{%- endmacro %}

{#- The same with the place of each row, for standing rows that a condition on `standing` and `gone`, the keys, tells. -#}
{% macro places_looked_up(relation, keys, condition) -%}
    select found.*
    from {{ keys }} as gone
    cross join lateral (
        select standing.*, standing.ctid as place from {{ relation }} as standing where {{ condition }} offset 0
    ) as found
{%- endmacro %}

{#- Whether this build changes few rows of the model being built, and the builds since its statistics were taken did, too. -#}
{% macro few_rows_change() -%}
    {%- set meta = config.get('meta') -%}
    {%- if config.get('materialized') != 'touched' or not are_looked_up(this, keys_of(this, meta), recomputed_by(meta)) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set changed -%}
        select pg_stat_get_mod_since_analyze(oid) * {{ rows_worth_a_lookup() }} > reltuples
        from pg_class where oid = cast('{{ this }}' as regclass)
    {%- endset -%}
    {{ return(not run_query(changed)[0][0]) }}
{%- endmacro %}

{#- The rows of a model that a test of single loans has to look at: those that this build has written, where they were few.
    The others stand as the build before left and tested them. -#}
{% macro rows_to_test(relation) -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ relation.identifier) if build_goes_on() -%}
    {%- if node and node.config.materialized == 'touched' -%}
        {%- set keys, by = keys_of(relation, node.config.meta), recomputed_by(node.config.meta) -%}
        {%- if by == ['lender', 'loan_id'] and are_looked_up(relation, keys, by) -%}
            {{ return(rows_looked_up(relation, keys, by)) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
