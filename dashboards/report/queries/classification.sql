-- The book of the newest month-end by the classes of the rules in force, and by IFRS 9 stage.
with

-- of the lender: a book that is gone has no rows at it
newest as (
    select
        lender,
        cast(date_trunc('month', cast(data_as_of + 1 as timestamp)) as date) - 1 as month_end
    from dim_lender
)

select
    classes.lender,
    classes.month_end,
    classes.regime,
    classes.category,
    cast(sum(classes.loans) as bigint) as loans,
    sum(classes.outstanding_principal) as outstanding_principal,
    round(
        sum(classes.outstanding_principal)
        / nullif(sum(sum(classes.outstanding_principal)) over (partition by classes.lender, classes.regime), 0), 6
    ) as share
from mart_risk_classification_monthly as classes
inner join newest on classes.lender = newest.lender and classes.month_end = newest.month_end
group by classes.lender, classes.month_end, classes.regime, classes.category
order by
    classes.lender,
    classes.regime,
    array_position(array['normal', 'special_mention', 'substandard', 'doubtful', 'loss'], classes.category),
    classes.category
