"""Having `marts_as_known` say what one publication said, as whoever may read the marts."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from arrears.errors import Usage
from arrears.warehouse.connect import first


def go_to(cursor: Cursor, publication_id: int | None) -> int:
    """For the rest of the transaction. None: the current one. Returns its number.

    Raises:
        Usage: there is no such publication, or its rows are no longer kept.
    """
    found = first(
        cursor,
        "select publication_id, is_kept from marts.publication "
        "where publication_id = coalesce(%(number)s, publication_id) order by publication_id desc limit 1",
        {"number": publication_id},
    )
    if found is None:
        raise Usage(
            "Nothing is published yet: `arrears run` makes the first publication."
            if publication_id is None
            else f"There is no publication {publication_id}: `arrears publications` lists those there are."
        )
    number, is_kept = found
    if not is_kept:
        raise Usage(f"Publication {number} is on record, but its rows are no longer kept.")
    cursor.execute("select set_config('arrears.publication', %s, true)", [str(number)])
    return int(number)
