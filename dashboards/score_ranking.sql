-- How well each lender's scores put loans in order: Gini and KS of the score bands, by loans, of all vintages that are old
-- enough. 0 is no better than chance, 1 is perfect, less than 0 is upside down. Loans without a score are left out.
with

bands as (
    select
        lender,
        -- the band below the lowest has no number at its start
        coalesce(cast(substring(score_band from '^[0-9]+') as integer), 0) as lowest_score,
        sum(ever30_mob6_loans) as bad,
        sum(loans - ever30_mob6_loans) as good
    from marts.mart_score_calibration
    where score_band <> 'unknown'
    group by lender, coalesce(cast(substring(score_band from '^[0-9]+') as integer), 0)
),

-- shares of all bad and of all good loans, from the worst scores upwards
shares as (
    select
        lender,
        good / nullif(sum(good) over of_lender, 0) as good_here,
        sum(bad) over upwards / nullif(sum(bad) over of_lender, 0) as bad_so_far,
        sum(good) over upwards / nullif(sum(good) over of_lender, 0) as good_so_far,
        (sum(bad) over upwards - bad) / nullif(sum(bad) over of_lender, 0) as bad_before
    from bands
    window of_lender as (partition by lender), upwards as (partition by lender order by lowest_score)
)

select
    lender,
    round(sum(good_here * (bad_so_far + bad_before)) - 1, 4) as gini,
    round(max(abs(bad_so_far - good_so_far)), 4) as ks
from shares
group by lender
order by lender
