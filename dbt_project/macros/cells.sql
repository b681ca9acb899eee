{#- Sums go on from the build before, too: a build recomputes the cells of a mart in which something has changed, from all
    that is in them, and leaves the other cells alone. A cell is a coarse part of the mart's key, such as a lender's
    month. For a mart to be built so,

    - a model of models/sums says which cells this build recomputes (int_<mart>_cell): those of `changed` rows of every
      fact the mart reads, as they were and as they are, and those that days say which pass (int_passage). No cell twice.
      A fact that is read has `meta.tracks_changes`. Where two facts meet in a sum, what they make together is better a
      fact of its own (int_balance_flow): then a changed row says by itself which cell it is in.
    - the mart is materialized as `cells`, with `meta.cells`, that model, and `meta.cell`, the columns that both have.
      `meta.cell_from`, a date column of both: of these cells everything from that date on.
    - it reads the facts through `in_cells` and is written as if it read everything. It may read more than the cells:
      of what it computes, only what is in them is taken. -#}

{#- The rows of a fact that went (is_fresh is false) or came since the build that this one goes on from, each with the build
    that found them: others may have failed in between. None in a build of everything. -#}
{% macro changed(model) -%}
    {%- set rows_of_all = ref(model) -%}
    {%- if build_goes_on() -%}
    (select * from {{ changes_of(rows_of_all) }} where base_build = {{ this_build()['base_build'] | int }})
    {%- else -%}
    (
        select all_rows.*, cast(null as bigint) as base_build, cast(null as bigint) as build_id, true as is_fresh
        from {{ rows_of_all }} as all_rows
        where false
    )
    {%- endif -%}
{%- endmacro %}

{#- Of a fact whose rows are intervals [starts, ends) (ends null: it has none): the stretches [changed_from, changed_until)
    of days for which something else is said now than was. One that ends sooner than it was to end has changed from that
    day on. `says`: what counts of a row beside its days. -#}
{% macro changed_stretches(model, says, starts, ends) -%}
    (
        select {{ says | join(', ') }}, changed_from, coalesce(changed_until, {{ last_day_ever() }}) as changed_until
        from (
            select
                {{ says | join(', ') }},
                day as changed_from,
                lead(day) over (partition by {{ says | join(', ') }}, build_id order by day) as changed_until,
                sum(rows_more) over (partition by {{ says | join(', ') }}, build_id order by day) as rows_more
            from (
                select {{ says | join(', ') }}, build_id, day, sum(rows_more) as rows_more
                from (
                    {% for day, side in {starts: 1, ends: -1}.items() -%}
                    select
                        {{ says | join(', ') }}, build_id, {{ day }} as day,
                        case when is_fresh then {{ side }} else {{ -side }} end as rows_more
                    from {{ changed(model) }} as intervals
                    where {{ day }} is not null
                    {{ 'union all' if not loop.last }}
                    {% endfor %}
                ) as sides
                group by {{ says | join(', ') }}, build_id, day
                having sum(rows_more) <> 0
            ) as days
        ) as stretches
        where rows_more <> 0
    )
{%- endmacro %}

{#- The rows of a model as this build has it, for cells that change because a day passes. None in a build of everything. -#}
{% macro standing(model) -%}
    {{ ref(model) if build_goes_on() or not execute else '(select * from ' ~ ref(model) ~ ' where false)' }}
{%- endmacro %}

{#- The rows of a fact that the recomputed cells are made of, or all of them.
    on: {column of the fact, or an expression of its columns: column of the cells}. since: the same for a date, of which
    the fact's may be later. or_on: like `on`, for rows that belong to a cell in another way. -#}
{% macro in_cells(model, cells, on, since={}, or_on={}) -%}
    {%- set rows_of_all = ref(model) -%}
    {%- if not execute or goes_on() -%}
    {%- set cells_of_all = ref(cells) -%}
    (
        select all_rows.*
        from {{ rows_of_all }} as all_rows
        inner join (
            {% for ways in ([on, or_on] if or_on else [on]) -%}
            {%- set columns = (ways.values() | list) + (since.values() | list) -%}
            select
                {% for column in columns -%}
                {{ column }} as cell_{{ loop.index }}{{ ',' if not loop.last }}
                {% endfor -%}
            from {{ cells_of_all }}
            group by {{ columns | join(', ') }}
            {{ 'union' if not loop.last }}
            {% endfor %}
        ) as cells
            on
                {% for column in on -%}
                {{ column }} = cells.cell_{{ loop.index }}{{ ' and ' if not loop.last }}
                {%- endfor %}
                {%- for column in since %}
                and {{ column }} >= cells.cell_{{ on | length + 1 }}
                {%- endfor %}
    )
    {%- else -%}
    {{ rows_of_all }}
    {%- endif -%}
{%- endmacro %}

{#- The materialization of sums: of the cells in `meta.cells` what differs goes and comes, in one transaction, and is
    kept for the publisher. -#}
{% materialization cells, default %}
    {%- if not goes_on() -%}
        {% do lose_changes() %}
        {{ return(materialization_table_default()) }}
    {%- endif -%}
    {%- set meta = config.get('meta') -%}
    {%- set fresh = make_temp_relation(this).incorporate(type='table') -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') -%}
    {%- set in_a_cell -%}
        inner join {{ this.incorporate(path={'schema': 'intermediate', 'identifier': meta['cells']}) }} as gone
            on
                {% for column in meta['cell'] -%}
                standing.{{ column }} = gone.{{ column }}{{ ' and ' if not loop.last }}
                {%- endfor %}
                {%- if meta.get('cell_from') %} and standing.{{ meta['cell_from'] }} >= gone.{{ meta['cell_from'] }}{% endif %}
    {%- endset %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do run_query(get_create_table_as_sql(True, fresh, sql)) %}
    {% call statement('main') %}
        {%- set gone -%}
            select standing.*, standing.ctid as place from {{ this }} as standing {{ in_a_cell }}
        {%- endset %}
        {{ find_differences(gone, fresh, columns, in_a_cell) }}
        {{ keep_changes(columns) }}
        {{ write_differences(columns) }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {% do drop_relation_if_exists(fresh) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}

{#- Rows that only one of the two has: what stands (of which `gone`, a query, has what is computed anew) and what was
    computed. `place` is where a standing row lies. Both have every row once. -#}
{% macro find_differences(gone, fresh, columns, fresh_joins='') -%}
    create temporary table differences on commit drop as
    select {{ columns }}, max(place) as place
    from (
        {{ gone }}
        union all
        select standing.*, null as place
        from (select {{ columns }} from {{ fresh }}) as standing {{ fresh_joins }}
    ) as of_both
    group by {{ columns }}
    having count(*) = 1;
{%- endmacro %}

{% macro write_differences(columns) -%}
    delete from {{ this }} where ctid = any(array(select place from differences where place is not null));
    insert into {{ this }} ({{ columns }}) select {{ columns }} from differences where place is null
{%- endmacro %}

{#- Changes count until a build is whole, so those of a build that failed stay: the next one has the same base. Models
    join them before anybody else has counted them, and without that the planner takes thousands for a handful.

    Those of a mart outlive a crash of the server as the mart does, for the publisher compares nothing else. -#}
{% macro keep_changes(columns) -%}
    {%- set changes = changes_of(this) -%}
    {%- set base_build = this_build()['base_build'] | int -%}
    create {{ 'unlogged ' if config.get('unlogged') }}table if not exists {{ changes }} (
        like {{ this }}, base_build bigint not null, build_id bigint not null, is_fresh boolean not null
    );
    delete from {{ changes }} where base_build <> {{ base_build }};
    insert into {{ changes }} ({{ columns }}, base_build, build_id, is_fresh)
    select {{ columns }}, {{ base_build }}, {{ this_build()['build_id'] | int }}, place is null
    from differences;
    {{ analyze_table(changes) }};
{%- endmacro %}

{#- For a table that is made anew. Where the build goes on, that is because it is gone: then nobody knows what has changed
    in it, and all has to be made anew. -#}
{% macro lose_changes() -%}
    {%- if build_goes_on() -%}
        {% do run_query("drop table if exists intermediate.build_to_go_on_from") %}
        {% do adapter.commit() %}
        {{ exceptions.raise_compiler_error(
            this ~ ", which the build before has left, is gone. Build again: that makes everything anew."
        ) }}
    {%- endif -%}
    {% do run_query("drop table if exists " ~ changes_of(this)) %}
{%- endmacro %}

{#- In a unit test the fixture of a fact has the columns that say what went and came. -#}
{% macro changes_of(relation) -%}
    {%- if relation.is_cte -%}{{ return(relation) }}{%- endif -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '_changed'})) }}
{%- endmacro %}
