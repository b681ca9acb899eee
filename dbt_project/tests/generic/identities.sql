{#- The columns together name one row, and none of them is null. -#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}

{#- Every combination of the columns exists in another relation. -#}
{% test relationship_on_columns(model, columns, to) %}
select child.*
from {{ model }} as child
left join {{ to }} as parent
    on {% for column in columns %}child.{{ column }} = parent.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where parent.{{ columns[0] }} is null
{% endtest %}

{#- A condition that holds for every row; null counts as not holding. -#}
{% test row_condition(model, condition) %}
select * from {{ model }} where not coalesce({{ condition }}, false)
{% endtest %}
