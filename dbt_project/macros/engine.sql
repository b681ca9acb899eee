{#- Where engines differ. Models call these and stay portable; Postgres is the default, Spark is the other dialect. -#}

{#- The date on the calendar of a time zone at an instant, and the time on its clock as text, HH:MM:SS, which sorts. -#}
{% macro local_date(instant, zone) %}{{ return(adapter.dispatch('local_date', 'arrears')(instant, zone)) }}{% endmacro %}
{% macro default__local_date(instant, zone) %}cast({{ instant }} at time zone {{ zone }} as date){% endmacro %}
{% macro spark__local_date(instant, zone) %}to_date(from_utc_timestamp({{ instant }}, {{ zone }})){% endmacro %}

{% macro local_time(instant, zone) %}{{ return(adapter.dispatch('local_time', 'arrears')(instant, zone)) }}{% endmacro %}
{% macro default__local_time(instant, zone) %}to_char({{ instant }} at time zone {{ zone }}, 'HH24:MI:SS'){% endmacro %}
{% macro spark__local_time(instant, zone) %}date_format(from_utc_timestamp({{ instant }}, {{ zone }}), 'HH:mm:ss'){% endmacro %}

{#- Whole days from `earlier` to `later`. -#}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'arrears')(earlier, later)) }}{% endmacro %}
{% macro default__days_between(earlier, later) %}({{ later }} - {{ earlier }}){% endmacro %}
{% macro spark__days_between(earlier, later) %}datediff({{ later }}, {{ earlier }}){% endmacro %}

{#- Hours, with their fraction, from one instant to a later one. -#}
{% macro hours_between(earlier, later) %}{{ return(adapter.dispatch('hours_between', 'arrears')(earlier, later)) }}{% endmacro %}
{% macro default__hours_between(earlier, later) %}(extract(epoch from {{ later }} - {{ earlier }}) / 3600){% endmacro %}
{% macro spark__hours_between(earlier, later) %}(cast(unix_micros({{ later }}) - unix_micros({{ earlier }}) as decimal(20, 0)) / 3600000000){% endmacro %}

{#- The instant at which the clocks of a time zone show a time of a day. -#}
{% macro instant_of(day, time, zone) %}{{ return(adapter.dispatch('instant_of', 'arrears')(day, time, zone)) }}{% endmacro %}
{% macro default__instant_of(day, time, zone) %}(({{ day }} + {{ time }}) at time zone {{ zone }}){% endmacro %}
{#- Of an hour that clocks show twice Spark takes the first and Postgres the second, which is the same as an hour later less one. -#}
{% macro spark__instant_of(day, time, zone) -%}
    {%- set shown = "cast(concat(" ~ day ~ ", ' ', " ~ time ~ ") as timestamp)" -%}
    greatest(
        to_utc_timestamp({{ shown }}, {{ zone }}),
        to_utc_timestamp({{ shown }} + interval 1 hour, {{ zone }}) - interval 1 hour
    )
{%- endmacro %}

{#- The date `days` (an integer expression) after `day`. -#}
{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days', 'arrears')(day, days)) }}{% endmacro %}
{% macro default__add_days(day, days) %}({{ day }} + ({{ days }})){% endmacro %}
{% macro spark__add_days(day, days) %}date_add({{ day }}, {{ days }}){% endmacro %}

{#- The same day `months` later, or the last day of that month if it has no such day. -#}
{% macro add_months(day, months) %}{{ return(adapter.dispatch('add_months', 'arrears')(day, months)) }}{% endmacro %}
{% macro default__add_months(day, months) %}cast({{ day }} + ({{ months }}) * interval '1 month' as date){% endmacro %}
{% macro spark__add_months(day, months) %}add_months({{ day }}, {{ months }}){% endmacro %}

{% macro month_end(day) %}{{ return(adapter.dispatch('month_end', 'arrears')(day)) }}{% endmacro %}
{% macro default__month_end(day) %}cast(date_trunc('month', {{ day }}) + interval '1 month' - interval '1 day' as date){% endmacro %}
{% macro spark__month_end(day) %}last_day({{ day }}){% endmacro %}

{% macro quarter_end(day) %}{{ return(adapter.dispatch('quarter_end', 'arrears')(day)) }}{% endmacro %}
{% macro default__quarter_end(day) %}cast(date_trunc('quarter', {{ day }}) + interval '3 months' - interval '1 day' as date){% endmacro %}
{% macro spark__quarter_end(day) %}last_day(add_months(trunc({{ day }}, 'quarter'), 2)){% endmacro %}

{% macro month_start(day) %}{{ return(adapter.dispatch('month_start', 'arrears')(day)) }}{% endmacro %}
{% macro default__month_start(day) %}cast(date_trunc('month', {{ day }}) as date){% endmacro %}
{% macro spark__month_start(day) %}trunc({{ day }}, 'month'){% endmacro %}

{#- 1 is Monday, 7 is Sunday. -#}
{% macro iso_weekday(day) %}{{ return(adapter.dispatch('iso_weekday', 'arrears')(day)) }}{% endmacro %}
{% macro default__iso_weekday(day) %}cast(extract(isodow from {{ day }}) as integer){% endmacro %}
{% macro spark__iso_weekday(day) %}(weekday({{ day }}) + 1){% endmacro %}

{#- A query of one column, `date`, with every day from `first` to `last`, both scalar expressions of its `source`. -#}
{% macro day_spine(source, first, last) %}{{ return(adapter.dispatch('day_spine', 'arrears')(source, first, last)) }}{% endmacro %}
{% macro default__day_spine(source, first, last) -%}
    select cast(series.day as date) as date
    from {{ source }} cross join generate_series({{ first }}, {{ last }}, interval '1 day') as series (day)
{%- endmacro %}
{% macro spark__day_spine(source, first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date from {{ source }} where {{ first }} <= {{ last }}
{%- endmacro %}

{#- Quotient without remainder (5 / 2 is 2 on one engine and 2.5 on the other). -#}
{% macro whole_quotient(dividend, divisor) %}{{ return(adapter.dispatch('whole_quotient', 'arrears')(dividend, divisor)) }}{% endmacro %}
{% macro default__whole_quotient(dividend, divisor) %}div({{ dividend }}, {{ divisor }}){% endmacro %}
{% macro spark__whole_quotient(dividend, divisor) %}(({{ dividend }}) div ({{ divisor }})){% endmacro %}

{#- A quotient of two amounts, as exact on either engine; null where nothing is divided by. The digits of a quotient follow
    from those of its sides, and of two sums Spark, whose sums have ten digits more, keeps only six: rounded once more, as
    a change in percentage points, some come out otherwise. -#}
{% macro quotient(dividend, divisor) -%}
    ({{ money(dividend) }} / nullif({{ money(divisor) }}, 0))
{%- endmacro %}

{% macro hash_text(expression) %}{{ return(adapter.dispatch('hash_text', 'arrears')(expression)) }}{% endmacro %}
{% macro default__hash_text(expression) %}md5({{ expression }}){% endmacro %}

{#- A query over `relation` with the first row of every `key` in the given order. -#}
{% macro newest_per_key(relation, key, order_by, columns) %}{{ return(adapter.dispatch('newest_per_key', 'arrears')(relation, key, order_by, columns)) }}{% endmacro %}
{% macro default__newest_per_key(relation, key, order_by, columns) -%}
    select {{ columns | join(', ') }}
    from (
        select
            {{ columns | join(', ') }},
            row_number() over (partition by {{ key | join(', ') }} order by {{ order_by }}) as newest_first
        from {{ relation }}
    ) as ranked
    where newest_first = 1
{%- endmacro %}

{#- Fresh statistics, so that the next model's plan is not a guess. Those of a table in which
    little has changed since they were taken stay: taking them costs as much as a day's rows. -#}
{% macro analyze_table(relation=none) %}{{ return(adapter.dispatch('analyze_table', 'arrears')(relation or this)) }}{% endmacro %}
{% macro default__analyze_table(relation) -%}
    {%- if not (relation == this and few_rows_change()) -%}analyze {{ relation }}{%- endif -%}
{%- endmacro %}
{#- Spark knows the size of what it reads from the files, and adapts its plan to the rows as they come. -#}
{% macro spark__analyze_table(relation) %}{% endmacro %}

{#- Before a model whose groups are hardly fewer than its rows, and in which most of what is summed is money: hashed, every
    group takes a kilobyte, which for a large book is more memory than there is, and its rows go to disk and back. -#}
{% macro sort_to_group() %}{{ return(adapter.dispatch('sort_to_group', 'arrears')()) }}{% endmacro %}
{% macro default__sort_to_group() %}set local enable_hashagg = off{% endmacro %}
{#- Spark sorts by itself what does not fit. -#}
{% macro spark__sort_to_group() %}{% endmacro %}

{#- Calendar months between the months of two dates. -#}
{% macro months_between(earlier, later) -%}
    cast(
        (extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12
        + extract(month from {{ later }}) - extract(month from {{ earlier }})
        as integer
    )
{%- endmacro %}
