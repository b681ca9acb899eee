{{ config(meta={'recomputed': 'int_borrower_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- A loan counts as running beside another of the same person, at any lender, from its disbursement until it leaves the
-- book. Of two loans of one day the one with the smaller id came first.
with

loans as (
    select
        loans.*,
        ends.ended_on
    from {{ touched('int_loan', 'int_borrower_loan') }} as loans
    left join {{ touched('int_loan_end', 'int_borrower_loan') }} as ends
        on loans.lender = ends.lender and loans.loan_id = ends.loan_id
),

concurrent as (
    select
        loans.lender,
        loans.loan_id,
        count(*) as concurrent_loans
    from loans
    inner join loans as earlier
        on
            loans.borrower_key = earlier.borrower_key
            and (loans.lender <> earlier.lender or loans.loan_id <> earlier.loan_id)
    where
        (earlier.ended_on is null or earlier.ended_on > loans.disbursed_on)
        and (
            earlier.disbursed_on < loans.disbursed_on
            or (
                earlier.disbursed_on = loans.disbursed_on
                and (
                    earlier.loan_id < loans.loan_id
                    or (earlier.loan_id = loans.loan_id and earlier.lender < loans.lender)
                )
            )
        )
    group by loans.lender, loans.loan_id
)

select
    loans.lender,
    loans.loan_id,
    loans.borrower_key,
    loans.product,
    loans.purpose,
    loans.channel,
    loans.funder,
    loans.currency,
    loans.principal,
    loans.annual_rate,
    loans.term_months,
    loans.disbursed_on,
    {{ month_end('loans.disbursed_on') }} as vintage_month,
    loans.first_due_on,
    loans.maturity_on,
    loans.credit_score,
    bands.score_band,
    loans.risk_grade,
    case
        when loans.birth_year is not null
            then cast({{ whole_quotient('loans.birth_year', 10) }} * 10 as integer)
    end as birth_decade,
    loans.income_band,
    loans.province,
    coalesce(concurrent.concurrent_loans, 0) as concurrent_loans_at_disbursement
from loans
left join concurrent on loans.lender = concurrent.lender and loans.loan_id = concurrent.loan_id
left join {{ ref('score_bands') }} as bands
    on
        floor(loans.credit_score) >= coalesce(bands.min_score, -2147483648)
        and floor(loans.credit_score) <= coalesce(bands.max_score, 2147483647)
