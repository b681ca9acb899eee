"""What each chart has to show, said once more: SQL over `marts` that knows nothing of Superset, by the chart's file.

Columns stand in the order of the chart's: what it groups by, then what it measures.
"""

# a chart over months writes the month, not its last day
MONTH, DUE, ENTRY = (f"cast(date_trunc('month', {day}) as date)" for day in ("month_end", "due_month", "entry_month"))
# each lender at the end of its last whole month, however far others have come
NEWEST = """mart_overdue_rate_monthly join dim_lender using (lender)
        where to_char(month_end + 1, 'YYYY-MM') = to_char(data_as_of + 1, 'YYYY-MM')"""

# names that Superset would put elsewhere by their text stand further ahead by a space or two
FIRST = "case {0} when '{1}' then ' {1}' else {0} end"
BY_DAYS = "case when {0} ~ '^[0-9]-' then '  ' when {0} ~ '^[0-9][0-9]-' then ' ' else '' end || {0}"

FIGURES = {
    # portfolio
    "outstanding": f"select sum(outstanding_principal) from {NEWEST}",
    "overdue_rate": f"select sum(balance_overdue_1) / sum(outstanding_principal) from {NEWEST}",
    "par30": f"select sum(balance_overdue_30) / sum(outstanding_principal) from {NEWEST}",
    "par90": f"select sum(balance_overdue_90) / sum(outstanding_principal) from {NEWEST}",
    "headline": """
        with numbered as (
            select *,
                100 * (overdue_rate - lag(overdue_rate) over months) as overdue_pp,
                100 * (par30_rate - lag(par30_rate) over months) as par30_pp,
                row_number() over (partition by lender order by month_end desc) as age
            from mart_overdue_rate_monthly window months as (partition by lender order by month_end)
        )
        select lender, currency, month_end, active_loans, outstanding_principal, overdue_rate, overdue_pp,
            overdue_rate_yoy_pp, par30_rate, par30_pp, par30_rate_yoy_pp, par90_rate, data_as_of, is_stale
        from numbered join dim_lender using (lender) where age = 1""",
    "dpd_stack": f"""
        select as_of_date, {BY_DAYS.format("bucket")}, sum(outstanding_principal) from mart_delinquency_daily
        join (select distinct bucket, sort_order from dim_dpd_bucket) as buckets using (bucket)
        where sort_order > 0 group by 1, 2""",
    "overdue_rate_by_lender": f"""
        select {MONTH}, lender, balance_overdue_1 / outstanding_principal from mart_overdue_rate_monthly""",
    "overdue_rate_yoy": f"select {MONTH}, lender, overdue_rate_yoy_pp from mart_overdue_rate_monthly",
    "ageing": f"""
        select lender, quarter_end, {FIRST.format("bucket", "current")}, outstanding_principal / book
        from mart_ageing_quarterly
        join (
            select lender, quarter_end, outstanding_principal as book from mart_overdue_rate_quarterly
        ) as books using (lender, quarter_end)""",
    "balance_bridge": """
        with newest as (
            select sum(opening) as opening, sum(disbursed) as disbursed, sum(scheduled_principal) as repaid,
                sum(prepaid) as prepaid, sum(waived) as waived, sum(written_off) as written_off,
                sum(transferred) as transferred, sum(corrections) as corrections
            from mart_balance_bridge_monthly
            where (lender, month_end) in (select lender, max(month_end) from mart_balance_bridge_monthly group by 1)
        )
        select '1 Opening (期初)', opening from newest union all
        select '2 Disbursed (放款)', disbursed from newest union all
        select '3 Repaid (还本)', 0 - repaid from newest union all
        select '4 Prepaid (提前还本)', 0 - prepaid from newest union all
        select '5 Waived (减免)', 0 - waived from newest union all
        select '6 Written off (核销)', 0 - written_off from newest union all
        select '7 Transferred (转让)', 0 - transferred from newest union all
        select '8 Corrections (调整)', corrections from newest""",
    "delinquency_bridge": """
        with newest as (
            select sum(opening_30) as opening, sum(rolled_in) as rolled_in, sum(cured) as cured,
                sum(paid_down) as paid_down, sum(written_off) as written_off, sum(other) as other
            from mart_delinquency_bridge_monthly
            where (lender, month_end) in (select lender, max(month_end) from mart_delinquency_bridge_monthly group by 1)
        )
        select '1 Opening (期初)', opening from newest union all
        select '2 Rolled in (新增)', rolled_in from newest union all
        select '3 Cured (治愈)', 0 - cured from newest union all
        select '4 Paid down (还款)', 0 - paid_down from newest union all
        select '5 Written off (核销)', 0 - written_off from newest union all
        select '6 Other (其他)', other from newest""",
    "debt_type": f"select {MONTH}, debt_type, sum(overdue_amount) from mart_debt_type_monthly group by 1, 2",
    "long_overdue": f"""
        select {MONTH}, dpd_band, sum(overdue_amount) from mart_long_overdue_monthly
        where dpd_band in ('181-270', '271-360', '361+') group by 1, 2""",
    "long_overdue_recovery": f"""
        select {MONTH}, sum(overdue_amount), sum(recovered_next_12m) from mart_long_overdue_monthly
        where dpd_band in ('181-270', '271-360', '361+') group by 1""",
    "risk_class": f"""
        select {MONTH}, category, sum(outstanding_principal) from mart_risk_classification_monthly
        where category not like 'stage%' group by 1, 2""",
    "non_performing": f"""
        select {MONTH},
            coalesce(sum(outstanding_principal) filter (where category in ('substandard', 'doubtful', 'loss')), 0)
                / sum(outstanding_principal) filter (where category not like 'stage%'),
            coalesce(sum(outstanding_principal) filter (where category = 'special_mention'), 0)
                / sum(outstanding_principal) filter (where category not like 'stage%'),
            coalesce(sum(outstanding_principal) filter (where category = 'stage_2'), 0)
                / sum(outstanding_principal) filter (where category like 'stage%'),
            coalesce(sum(outstanding_principal) filter (where category = 'stage_3'), 0)
                / sum(outstanding_principal) filter (where category like 'stage%')
        from mart_risk_classification_monthly group by 1""",
    **{
        f"segment_{name}": f"""
        select {MONTH}, {column}, sum(balance_overdue_30) / nullif(sum(outstanding_principal), 0)
        from mart_borrower_segment_monthly group by 1, 2"""
        for name, column in (("age", "birth_decade"), ("income", "income_band"), ("loans", "loan_count_band"))
    },
    # vintage and early signs
    "vintage_curves": """
        select mob, to_char(vintage_month, 'YYYY-MM'), sum(ever_principal) / sum(disbursed_principal)
        from mart_vintage where threshold_dpd = 30 group by 1, 2""",
    "vintage_triangle": """
        select mob, to_char(vintage_month, 'YYYY-MM'), sum(ever_principal) / sum(disbursed_principal)
        from mart_vintage where threshold_dpd = 30 group by 1, 2""",
    "first_payment_default": f"""
        with cells as (
            select due_month, instalment_no, window_days, sum(short_loans) / nullif(sum(eligible_loans), 0) as rate
            from mart_first_payment_default group by 1, 2, 3
        )
        select {DUE},
            max(rate) filter (where instalment_no = 1 and window_days = 7),
            max(rate) filter (where instalment_no = 1 and window_days = 30),
            max(rate) filter (where instalment_no = 2 and window_days = 30),
            max(rate) filter (where instalment_no = 3 and window_days = 30)
        from cells group by 1""",
    "inflow": """
        select cast(date_trunc('month', due_on) as date),
            sum(short_instalments) / nullif(sum(instalments_due), 0),
            sum(case when is_first_instalment then short_instalments end)
                / nullif(sum(case when is_first_instalment then instalments_due end), 0)
        from mart_inflow_daily group by 1""",
    "roll_matrix": f"""
        select case when is_terminal then 'out: ' || to_state else {FIRST.format("to_state", "current")} end,
            {FIRST.format("from_state", "current")}, sum(opening_principal) / nullif(max(stood), 0)
        from mart_roll_rate_monthly
        join (select distinct bucket, is_terminal from dim_dpd_bucket) as buckets on to_state = bucket
        join (
            select from_state, sum(opening_principal) as stood from mart_roll_rate_monthly group by 1
        ) as whole using (from_state)
        group by 1, 2""",
    "flow_rates": "select cast(date_trunc('month', to_month_end) as date), "
    + ", ".join(
        f"""sum(case when from_state = '{worse}' and to_state = '{worst}' then opening_principal end)
            / nullif(sum(case when from_state = '{worse}' then opening_principal end), 0)"""
        for worse, worst in (("M0", "M1"), ("M1", "M2"), ("M2", "M3"), ("M3", "M4"), ("M4", "M5"), ("M5", "M6"))
    )
    + " from mart_roll_rate_monthly group by 1",
    "score_bands": f"""
        select {FIRST.format("score_band", "below 500")}, lender, sum(ever30_mob6_principal) / sum(disbursed_principal)
        from mart_score_calibration group by 1, 2""",
    "early_warnings": "select signal, lender, count(*) from mart_early_warning group by 1, 2",
    "early_warning_backtest": """
        with rates as (
            select signal, sum(flagged_loans) as flagged, sum(flagged_m2_60d) / nullif(sum(flagged_loans), 0) as hit,
                sum(unflagged_loans) as unflagged, sum(unflagged_m2_60d) / nullif(sum(unflagged_loans), 0) as miss
            from mart_early_warning_backtest group by 1
        )
        select signal, flagged, hit, unflagged, miss, hit / nullif(miss, 0) from rates""",
    # collections
    "recovery": f"select {ENTRY}, "
    + ", ".join(
        f"""sum(case when window_days = {days} then collected_principal end)
            / nullif(sum(case when window_days = {days} then entry_overdue_principal end), 0)"""
        for days in (7, 30, 60, 90)
    )
    + " from mart_recovery_monthly where entry_bucket in (select bucket from dim_dpd_bucket where sort_order = 1)"
    + " group by 1",
    "recovery_by_bucket": f"""
        select {BY_DAYS.format("entry_bucket")},
            sum(collected_principal) filter (where window_days = 30)
                / nullif(sum(entry_overdue_principal) filter (where window_days = 30), 0),
            sum(cured_loans) filter (where window_days = 30)
                / nullif(sum(entered_loans) filter (where window_days = 30), 0)
        from mart_recovery_monthly group by 1""",
    "collection_curve": """
        select months_since_due, to_char(due_month, 'YYYY-MM'),
            sum(amount_collected_to_date) / nullif(sum(amount_due), 0)
        from mart_collection_curve group by 1, 2""",
    "expected_received": f"""
        select {DUE}, sum(amount_due), sum(amount_collected_to_date)
        from mart_collection_curve where months_since_due = 0 group by 1""",
    "collection_funnel": """
        with whole as (
            select sum(actions) as a, sum(connected) as b, sum(right_party) as c, sum(promises_due) as d,
                sum(promises_kept) as e
            from mart_collection_performance_monthly
        )
        select '1 Actions (作业)', a from whole union all
        select '2 Connected (接通)', b from whole union all
        select '3 Debtor reached (本人接通)', c from whole union all
        select '4 Promises due (到期承诺)', d from whole union all
        select '5 Promises kept (履约)', e from whole""",
    "agencies": """
        select agency, sum(actions), sum(connected) / nullif(sum(actions), 0),
            sum(right_party) / nullif(sum(actions), 0), sum(promises_kept) / nullif(sum(promises_due), 0),
            sum(collected_principal_7d), sum(complaints) / nullif(sum(actions), 0)
        from mart_collection_performance_monthly group by 1""",
    "contact_breaches": """
        select cast(date_trunc('month', contact_on) as date), rule, sum(breaches) / nullif(sum(actions), 0)
        from mart_contact_compliance_daily group by 1, 2""",
    "breaches_by_agency": "select agency, rule, sum(breaches) from mart_contact_compliance_daily group by 1, 2",
    "relief": """
        select kind, sum(loans), sum(outstanding_principal), sum(amount_waived),
            sum(performing_3m) / nullif(sum(loans) filter (where performing_3m is not null), 0),
            sum(performing_6m) / nullif(sum(loans) filter (where performing_6m is not null), 0),
            sum(performing_12m) / nullif(sum(loans) filter (where performing_12m is not null), 0),
            sum(redefaulted_loans) filter (where performing_12m is not null)
                / nullif(sum(loans) filter (where performing_12m is not null), 0),
            sum(cosmetic_cures) / nullif(sum(loans), 0)
        from mart_forbearance_monthly group by 1""",
    # data quality
    "freshness": """
        select lender, name_en, name_zh, data_as_of, last_delivery_at, is_stale, days_stale, days_missing
        from dim_lender""",
    "rows_in_files": "select business_date, lender, sum(rows_in_files) from mart_data_quality_daily group by 1, 2",
    "quality_rates": """
        select business_date, sum(rows_rejected) / nullif(sum(rows_in_files), 0),
            sum(expectations_failed) / nullif(sum(expectations_evaluated), 0)
        from mart_data_quality_daily group by 1""",
    "deliveries": """
        select business_date, lender, delivery_status, delivered_at, hours_late, files, rows_in_files, rows_accepted,
            rows_rejected, orphan_rows, expectations_evaluated, expectations_failed
        from mart_data_quality_daily""",
    "breaks": """
        select as_of_date, break_type, sum(loans)
        from mart_reconciliation_daily where break_type <> 'none' group by 1, 2""",
    "break_rate": """
        select as_of_date, lender, coalesce(sum(loans) filter (where break_type <> 'none'), 0) / nullif(sum(loans), 0)
        from mart_reconciliation_daily group by 1, 2""",
    "publications": """
        select publication_id, business_date, published_at, gate_status, approved_by, reason, rows_added, rows_closed,
            is_kept
        from publication""",
    "changes": """
        select publication_id, mart, is_restatement, sum(rows_added), sum(rows_changed), sum(rows_removed)
        from publication_change group by 1, 2, 3""",
}  # fmt: skip
