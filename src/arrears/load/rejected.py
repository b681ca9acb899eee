"""What is wrong with rejected rows is kept for as long as a lender may be asked about it."""

from __future__ import annotations

from arrears.warehouse.connect import connect


def forget(*, url: str, older_than_days: int) -> int:
    """Remove the details of rejected rows of deliveries received so many days ago. How many there were stays on record.

    url: libpq URL of the loader role. Returns the number of details removed.
    """
    with connect(url, "forget rejected rows") as connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from ops.rejected_row as rejected using ops.delivery as deliveries "
            "where rejected.delivery_id = deliveries.delivery_id "
            "and deliveries.received_at < clock_timestamp() - make_interval(days => %s)",
            [older_than_days],
        )
        return cursor.rowcount
