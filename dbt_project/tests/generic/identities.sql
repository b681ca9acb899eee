{#- The columns together name one row, and none of them is null. -#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ rows_to_test(model) if 'loan_id' in columns else model }} as all_rows
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}

{#- Every combination of the columns exists in another relation. -#}
{% test relationship_on_columns(model, columns, to) %}
select child.*
from {{ rows_to_test(model) }} as child
left join {{ to }} as parent
    on {% for column in columns %}child.{{ column }} = parent.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where parent.{{ columns[0] }} is null
{% endtest %}

{#- A condition that holds for every row; null counts as not holding. -#}
{% test row_condition(model, condition) %}
select * from {{ rows_to_test(model) }} as all_rows where not coalesce({{ condition }}, false)
{% endtest %}
