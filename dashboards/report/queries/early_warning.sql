-- Loans not more than 30 days past due with a signal today, and how often a signal was right in the twelve newest months of
-- the backtest: the share of such loans that went past 30 within sixty days, with it and without it.
with

standing as (
    select
        warnings.lender,
        warnings.signal,
        count(*) as loans
    from mart_early_warning as warnings
    inner join fct_loan_current as loans on warnings.lender = loans.lender and warnings.loan_id = loans.loan_id
    where loans.dpd <= 30
    group by warnings.lender, warnings.signal
),

newest as (
    select
        lender,
        max(month_end) as month_end
    from mart_early_warning_backtest
    group by lender
),

backtest as (
    select
        backtest.lender,
        backtest.signal,
        sum(backtest.flagged_loans) as flagged_loans,
        sum(backtest.flagged_m2_60d) as flagged_m2_60d,
        sum(backtest.unflagged_loans) as unflagged_loans,
        sum(backtest.unflagged_m2_60d) as unflagged_m2_60d
    from mart_early_warning_backtest as backtest
    inner join newest on backtest.lender = newest.lender
    where backtest.month_end > date_trunc('month', cast(newest.month_end as timestamp)) - interval '11 months 1 day'
    group by backtest.lender, backtest.signal
)

select
    coalesce(standing.lender, backtest.lender) as lender,
    coalesce(standing.signal, backtest.signal) as signal,
    coalesce(standing.loans, 0) as loans_today,
    cast(backtest.flagged_loans as bigint) as flagged_loans,
    round(backtest.flagged_m2_60d / nullif(backtest.flagged_loans, 0), 6) as flagged_rate,
    round(backtest.unflagged_m2_60d / nullif(backtest.unflagged_loans, 0), 6) as unflagged_rate,
    round(
        (backtest.flagged_m2_60d / nullif(backtest.flagged_loans, 0))
        / nullif(backtest.unflagged_m2_60d / nullif(backtest.unflagged_loans, 0), 0), 2
    ) as lift
from standing
full outer join backtest on standing.lender = backtest.lender and standing.signal = backtest.signal
order by lender, signal
