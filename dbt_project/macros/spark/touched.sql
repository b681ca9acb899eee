{#- What goes on from the build before, on Parquet: files cannot be changed, so the partitions in which a row goes or comes are
    written anew. A partition is a lender's month, or all of a lender where rows are of no month.

    A build that fails leaves some tables as they were and some as it made them. `arrears build` has forgotten by then what
    there was to go on from, and the next one builds everything. -#}

{% materialization touched, adapter='spark' %}
    {%- set meta = config.get('meta') or {} -%}
    {%- if not goes_on() -%}
        {%- if meta.get('tracks_changes') -%}{% do lose_changes() %}{%- endif -%}
        {{ return(make_partitions()) }}
    {%- endif -%}
    {{ return(replace_partitions(
        keys_of(this, meta), is_of(recomputed_by(meta), meta.get('recomputed_after', {})), meta.get('tracks_changes')
    )) }}
{% endmaterialization %}

{% materialization cells, adapter='spark' %}
    {%- if not goes_on() -%}
        {% do lose_changes() %}
        {{ return(make_partitions()) }}
    {%- endif -%}
    {%- set meta = config.get('meta') -%}
    {%- set in_a_cell -%}
        {%- for column in meta['cell'] -%}
        standing.{{ column }} = gone.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
        {%- if meta.get('cell_from') %} and standing.{{ meta['cell_from'] }} >= gone.{{ meta['cell_from'] }}{% endif %}
    {%- endset -%}
    {{ return(replace_partitions(
        this.incorporate(path={'schema': 'intermediate', 'identifier': meta['cells']}), in_a_cell, computes_more=true
    )) }}
{% endmaterialization %}

{#- The columns that a table's folders are named after. -#}
{% macro partitions_of(columns) -%}
    {%- set found = [] -%}
    {%- for column in ['lender', 'month_end'] if column in columns -%}{%- do found.append(column) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Brings a partition's rows together before they are written, so that it is a file and not one of every task. Of one that is too
    large for a task Spark makes several: else all of a large lender would be written by one core. -#}
{% macro by_partition(partitions) -%}/*+ rebalance({{ partitions | join(', ') }}) */{%- endmacro %}

{#- The table anew. -#}
{% macro make_partitions() -%}
    {{ run_hooks(pre_hooks) }}
    {%- set partitions = partitions_of(get_columns_in_query(sql)) -%}
    {% do drop_relation_if_exists(load_cached_relation(this)) %}
    {% call statement('main') %}
        create table {{ this }} using parquet
        {%- if partitions %} partitioned by ({{ partitions | join(', ') }}){% endif %} as
        select {% if partitions %}{{ by_partition(partitions) }} {% endif %}* from (
            {{ sql }}
        ) as computed
    {% endcall %}
    {% do create_indexes(this) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmacro %}

{#- Rows of the keys go, and what was computed comes. `is_gone` holds a `standing` row against a `gone` key. computes_more: the
    query may give rows of other keys as well, which stay as they are. -#}
{% macro replace_partitions(keys, is_gone, tracks_changes=false, computes_more=false) -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    {%- set partitions = partitions_of(columns) -%}
    {%- set rows_of = columns | reject('in', partitions) | list + partitions -%}
    {%- set moved, after = beside('moved'), beside('after') -%}
    {%- set of_keys = ' left semi join ' ~ keys ~ ' as gone on ' ~ is_gone -%}

    {{ run_hooks(pre_hooks) }}
    {#- what comes and what goes are one table: every statement takes a second, however little it has to do -#}
    {% do make_beside(moved,
        'select ' ~ columns | join(', ') ~ ', true as is_fresh from (' ~ sql ~ '\n) as standing' ~ (of_keys if computes_more else '')
        ~ ' union all select ' ~ columns | join(', ') ~ ', false as is_fresh from ' ~ this ~ ' as standing' ~ of_keys
    ) %}
    {%- if tracks_changes -%}{% do keep_changes_beside(moved, columns) %}{%- endif -%}
    {%- set anew = partitions_in(moved, partitions) -%}
    {%- if anew %}
        {% do make_beside(after,
            'select ' ~ rows_of | join(', ') ~ ' from ' ~ this ~ ' as standing left anti join ' ~ keys ~ ' as gone on ' ~ is_gone
            ~ ' where ' ~ is_in(anew) ~ ' union all select ' ~ rows_of | join(', ') ~ ' from ' ~ moved ~ ' where is_fresh'
        ) %}
        {#- one that nothing is left of would stay as it is -#}
        {%- for emptied in anew | reject('in', partitions_in(after, partitions)) %}
            {% do run_query('insert overwrite table ' ~ this ~ ' partition (' ~ named_partition(partitions, emptied) ~ ') select '
                ~ columns | reject('in', partitions) | join(', ') ~ ' from ' ~ after ~ ' where false') %}
        {%- endfor %}
    {%- endif %}
    {% call statement('main') %}
        {%- if anew %}
        insert overwrite table {{ this }} partition ({{ partitions | join(', ') }})
        select {{ by_partition(partitions) }} {{ rows_of | join(', ') }} from {{ after }}
        {%- else %}
        select 'nothing has changed'
        {%- endif %}
    {% endcall %}
    {#- where the key says which partition a row is in, there can be no second one in those that were left alone -#}
    {%- set key = (config.get('meta') or {}).get('key', []) -%}
    {%- if anew %}{% do create_indexes(after if not partitions | reject('in', key) | list else this) %}{%- endif %}
    {%- for made in [moved, after] %}{% do run_query('drop table if exists ' ~ made) %}{%- endfor %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this]}) }}
{%- endmacro %}

{#- The partitions that rows of a relation are in, each as the list of its columns' values. -#}
{% macro partitions_in(relation, partitions) -%}
    {%- set found = [] -%}
    {%- for row in run_query('select distinct ' ~ partitions | join(', ') ~ ' from ' ~ relation) -%}
        {%- do found.append(row.values() | list) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Whether a `standing` row is in one of these partitions; by name, so that Spark reads the files of these and no others. -#}
{% macro is_in(partitions) -%}
    {%- set months_of = {} -%}
    {%- for values in partitions -%}{%- do months_of.setdefault(values[0], []).append(values[1:]) -%}{%- endfor -%}
    {%- set said = [] -%}
    {%- for lender, months in months_of.items() -%}
        {%- set ways = [] -%}
        {%- for month in months if month -%}
            {%- do ways.append('standing.month_end ' ~ ("= date'" ~ month[0] ~ "'" if month[0] is not none else 'is null')) -%}
        {%- endfor -%}
        {%- do said.append("standing.lender = '" ~ lender ~ "'" ~ (' and (' ~ ways | join(' or ') ~ ')' if ways else '')) -%}
    {%- endfor -%}
    ({{ said | join(' or ') }})
{%- endmacro %}

{% macro named_partition(partitions, values) -%}
    {%- set named = [] -%}
    {%- for column in partitions -%}
        {%- do named.append(column ~ ' = ' ~ ("'" ~ values[loop.index0] ~ "'" if values[loop.index0] is not none else 'null')) -%}
    {%- endfor -%}
    {{ return(named | join(', ')) }}
{%- endmacro %}

{% macro beside(what) %}{{ return(this.incorporate(path={'identifier': this.identifier ~ '__' ~ what})) }}{% endmacro %}

{% macro make_beside(relation, query) -%}
    {% do run_query('create table ' ~ relation ~ ' using parquet as ' ~ query) %}
{%- endmacro %}

{#- For the sums a row is in: those that only one of the two has. -#}
{% macro keep_changes_beside(moved, columns) -%}
    {%- set columns = columns | join(', ') -%}
    {% do run_query('drop table if exists ' ~ changes_of(this)) %}
    {% do make_beside(changes_of(this),
        'select ' ~ columns ~ ', cast(' ~ this_build()['base_build'] ~ ' as bigint) as base_build, cast('
        ~ this_build()['build_id'] ~ ' as bigint) as build_id, bool_or(is_fresh) as is_fresh from ' ~ moved
        ~ ' group by ' ~ columns ~ ' having count(*) = 1'
    ) %}
{%- endmacro %}
