"""What was known: the build behind a publication, and the deliveries it was made from."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

import arrears
from arrears.errors import Usage
from arrears.warehouse.connect import first, one


@dataclass(frozen=True)
class Knowledge:
    """A build, and the publication that showed it.

    Attributes:
        publication_id: None where the build has not been published. published_at: likewise.
        business_date: the date the build was made for; what is dated after it was not looked at.
        code_version: version of arrears that built it.
        is_newest: it is the newest build that was finished.
    """

    publication_id: int | None
    published_at: dt.datetime | None
    build_id: int
    business_date: dt.date
    code_version: str
    is_newest: bool

    def __str__(self) -> str:
        if self.publication_id is None:
            return f"build {self.build_id}, which is not published"
        return f"publication {self.publication_id}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


BUILD = """
select * from (
    select
        publications.publication_id, publications.published_at, builds.build_id, builds.business_date,
        builds.code_version, builds.build_id = max(builds.build_id) over () as is_newest
    from ops.build as builds
    left join ops.publication as publications on builds.build_id = publications.build_id
    where builds.status not in ('running', 'failed')
) as finished
where (%(publication)s is null and is_newest) or publication_id = %(publication)s
"""


def knowledge_of(cursor: Cursor, publication_id: int | None) -> Knowledge:
    """The build of a publication, or (None) the newest build, published or not.

    Raises:
        Usage: there is no such publication, or no build at all.
    """
    row = first(cursor, BUILD, {"publication": publication_id})
    if row is not None:
        return Knowledge(*row)
    if publication_id is None:
        raise Usage("Nothing has been built yet: run `arrears build --date D`.")
    (newest,) = one(cursor, "select max(publication_id) from ops.publication")
    made = f"the newest is {newest}" if newest else "nothing has been published yet"
    raise Usage(f"There is no publication {publication_id}: {made}.")


# Under the name and with the columns of ops.delivery. What a later version has superseded was accepted at the time.
KNOWN = """
create temporary table "ops.delivery" on commit drop as
select
    deliveries.delivery_id, deliveries.lender, deliveries.business_date, deliveries.version, deliveries.content_hash,
    deliveries.status, deliveries.contract_effective_from, deliveries.contract_hash, deliveries.received_at,
    deliveries.decided_at, deliveries.rows_in_files, deliveries.rows_accepted, deliveries.rows_rejected,
    deliveries.rules
from ops.delivery as deliveries
inner join ops.delivery_in_build as known on deliveries.delivery_id = known.delivery_id
where
    deliveries.lender = %(lender)s
    and known.from_build <= %(build)s
    and (known.until_build is null or known.until_build > %(build)s);
update "ops.delivery" set status = 'accepted';
analyze "ops.delivery"
"""


def take_deliveries(cursor: Cursor, lender: str, knowledge: Knowledge) -> None:
    """Put the lender's deliveries that the build was made from into a temporary table `ops.delivery`.

    Raises:
        Usage: the build knew none of this lender.
    """
    cursor.execute(KNOWN, {"lender": lender, "build": knowledge.build_id})
    if one(cursor, 'select count(*) from "ops.delivery"')[0]:
        return
    cursor.execute("select distinct lender from ops.delivery order by lender")
    lenders = [name for (name,) in cursor.fetchall()]
    if lender not in lenders:
        raise Usage(f"There is no lender {lender}: delivered have {', '.join(lenders) or 'none yet'}.")
    (oldest,) = one(cursor, "select min(from_build) from ops.delivery_in_build")
    if oldest is None or knowledge.build_id < oldest:
        raise Usage(
            f"What {knowledge} was made from is not on record: it is older than that record. "
            "Build again, or ask for a newer publication with --as-known."
        )
    raise Usage(
        f"To {knowledge} no delivery of {lender} was known. Leave --as-known out to ask what the newest build knew."
    )


# The last delivery under a contract of the date of today's: another date may be of one that there is no more.
CONTRACTS = """
select
    contract_hash is distinct from (
        select known.contract_hash from "ops.delivery" as known
        where known.contract_effective_from = lenders.contract_effective_from
        order by known.delivery_id desc limit 1
    )
from ops.lender as lenders
where lender = %(lender)s
"""
# What a publication shows of a lender ends before what its build was made from.
HELD_BACK = """
select exists (
    select from ops.publication_lender as shown
    where
        shown.publication_id = %(publication)s and shown.lender = %(lender)s
        and shown.data_as_of < (select max(known.business_date) from "ops.delivery" as known)
)
"""
NOT_YET_KNOWN = """
select count(*) from ops.delivery as deliveries
where
    deliveries.lender = %(lender)s and deliveries.status = 'accepted'
    and not exists (select from "ops.delivery" as known where known.delivery_id = deliveries.delivery_id)
"""


def reservations(cursor: Cursor, lender: str, knowledge: Knowledge) -> list[str]:
    """What a reader should know: where today's code or contract, or newer deliveries, may make a difference."""
    found = []
    if one(cursor, HELD_BACK, {"lender": lender, "publication": knowledge.publication_id})[0]:
        found.append(
            f"The gate held {lender} back of {knowledge}, which shows what was published of it before and not what is "
            "explained here."
        )
    if knowledge.code_version != arrears.__version__:
        found.append(
            f"It was built by arrears {knowledge.code_version} and is explained by the rules of {arrears.__version__}."
        )
    if one(cursor, CONTRACTS, {"lender": lender})[0]:
        found.append(f"The contract of {lender} has changed since: modes and conventions are those of today's.")
    if knowledge.is_newest:
        (waiting,) = one(cursor, NOT_YET_KNOWN, {"lender": lender})
        if waiting:
            found.append(f"Deliveries of {lender} that were accepted and are not in it: {waiting}.")
    return found
