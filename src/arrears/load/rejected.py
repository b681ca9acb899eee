"""What is wrong with rows is kept for as long as a lender may be asked about it."""

from __future__ import annotations

from arrears.warehouse.connect import connect, one


def forget(*, url: str, older_than_days: int) -> int:
    """Remove the details of rejected rows of deliveries received so many days ago, and what refusals, gates and steps
    of that age said of rows. How many there were stays on record.

    url: libpq URL of the loader role. Returns the number of rejected rows' details removed.
    """
    with connect(url, "forget rejected rows") as connection, connection.cursor() as cursor:
        return int(one(cursor, "select ops.forget_details(%s)", [older_than_days])[0])
