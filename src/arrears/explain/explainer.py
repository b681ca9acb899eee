"""The steps of an explanation: what was known, the loan through the models, the answers, what was published."""

from __future__ import annotations

import datetime as dt

from psycopg2.extensions import cursor as Cursor

from arrears.errors import Usage
from arrears.explain.compiled import compiled
from arrears.explain.explanation import Explanation, File, Row, file_ids, put_together
from arrears.explain.known import Knowledge, knowledge_of, reservations, take_deliveries
from arrears.explain.published import compare
from arrears.explain.replay import ask, run_models, take_rows
from arrears.explain.unknown_loan import refuse_unknown_loan
from arrears.settings import Role, Settings
from arrears.warehouse.connect import connect, one


def explain(
    lender: str, loan_id: str, as_of: dt.date, publication_id: int | None = None, *, settings: Settings
) -> Explanation:
    """Why the loan stood as it did at the close of `as_of`, as known to a publication (None: to the newest build).

    Raises:
        Usage: lender, loan or publication are not known, or the loan was not in the book on that day.
        Infrastructure: dbt could not run, or the warehouse failed.
    """
    url = settings.url(Role.BUILDER)
    with connect(url, "explain") as connection, connection.cursor() as cursor:
        knowledge = knowledge_of(cursor, publication_id)
        take_deliveries(cursor, lender, knowledge)
        _refuse_day_to_come(cursor, lender, as_of, knowledge)
        refuse_unknown_loan(cursor, lender, loan_id, knowledge)
        project = compiled(knowledge.business_date, url=url, settings=settings)
        take_rows(cursor, project.raw, lender, loan_id)
        run_models(cursor, project)
        answers = ask(cursor, project, lender, loan_id, as_of)
        _refuse_absent(answers, lender, loan_id, as_of, knowledge)
        notes = reservations(cursor, lender, knowledge)
        files = _files(cursor, file_ids(answers))
    shown = (
        compare(knowledge.publication_id, lender, loan_id, as_of, answers["state"][0], url=settings.url(Role.READER))
        if knowledge.publication_id is not None
        else []
    )
    return put_together(lender, loan_id, as_of, knowledge, notes, answers, files, shown)


def _refuse_day_to_come(cursor: Cursor, lender: str, as_of: dt.date, knowledge: Knowledge) -> None:
    (data_as_of,) = one(cursor, 'select max(business_date) from "ops.delivery"')
    if as_of > data_as_of:
        raise Usage(f"To {knowledge} the data of {lender} reach to {data_as_of}: ask for that day or one before it.")


def _refuse_absent(
    answers: dict[str, list[Row]], lender: str, loan_id: str, as_of: dt.date, knowledge: Knowledge
) -> None:
    """A loan that the lender deleted, or one that is not in the book on the day."""
    if not answers["loan"]:
        raise Usage(f"{lender} delivered a loan {loan_id} and deleted it again: to {knowledge} there is none.")
    if answers["state"]:
        return
    loan = answers["loan"][0]
    if loan["entered_on"] is None or loan["entered_on"] > loan["data_as_of"]:
        raise Usage(
            f"Loan {loan_id} of {lender}, disbursed on {loan['disbursed_on']}, is not in the book yet: its data reach "
            f"to {loan['data_as_of']}, and where the lender's own balance counts, a loan enters with the first one."
        )
    raise Usage(
        f"Loan {loan_id} of {lender} is in the book from {loan['entered_on']} on (disbursed on "
        f"{loan['disbursed_on']}): {as_of} is before that. Ask for a later day."
    )


def _files(cursor: Cursor, ids: set[int]) -> dict[int, File]:
    cursor.execute(
        "select files.file_id, files.path, files.resource, deliveries.version, deliveries.status = 'superseded' "
        "from ops.delivery_file as files inner join ops.delivery as deliveries using (delivery_id) "
        "where files.file_id = any(%s)",
        [sorted(ids)],
    )
    return {file_id: File(*file) for file_id, *file in cursor.fetchall()}
