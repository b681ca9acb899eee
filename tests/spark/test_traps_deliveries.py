"""The traps that need a lender's files, as Spark builds them."""

from __future__ import annotations

import pytest

from ..golden.test_traps_deliveries import (  # noqa: F401
    published,
    test_trap_02_a_day_ends_at_the_lender_s_midnight,
    test_trap_02_the_eve_of_the_server_s_day_is_in_the_inflow,
    test_trap_04_days_in_any_order_and_twice_give_the_same_marts,
    test_trap_12_a_payment_sent_again_in_a_later_file_counts_once,
    test_trap_12_an_id_used_again_after_a_reversal_does_not_pay_the_loan,
    test_trap_14_a_payment_sent_before_its_loan_waits_for_it,
    test_trap_14_a_return_sent_before_its_payment_undoes_it_all_the_same,
)

# before the lender's files are published
pytestmark = [pytest.mark.spark, pytest.mark.timeout(7200), pytest.mark.usefixtures("lake")]
