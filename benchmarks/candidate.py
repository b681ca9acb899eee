"""A candidate that is changed by hand, so that as much of it is new as is to be measured, and the real publisher."""

from __future__ import annotations

import time
from collections.abc import Mapping

from psycopg2.sql import SQL, Identifier, Literal

from arrears.publish import PublishResult, publish
from arrears.settings import Role

from .place import LAST, Place

# Another build of the marts of the build before, and what the gate would say of it.
RECORD = """
with build as (
    insert into ops.build (business_date, status, code_version, base_build)
    values (%(day)s, 'built', 'benchmark', %(base)s) returning build_id
),
marts as (
    insert into ops.build_mart (build_id, mart, key_columns, period_column, comment, keeps_changes)
    select build.build_id, mart, key_columns, period_column, comment, %(base)s is not null
    from ops.build_mart cross join build
    where ops.build_mart.build_id = (select max(build_id) from ops.build_mart)
)
insert into ops.gate_run (boundary, held_against, build_id, outcome, started_at, finished_at)
select 'candidate', (select max(publication_id) from ops.publication), build_id, 'pass', now(), now()
from build returning build_id
"""
KEPT = "create table if not exists candidate.{changes} (like candidate.{mart}, base_build bigint not null)"
# Of a hundred loans so many, the same ones in every mart.
CHANGE = """
with changed as (
    update candidate.{mart} set {change} where mod(hashtext(loan_id) & 2147483647, 100) < {share} returning *
)
insert into candidate.{changes} select *, {base} from changed
"""


def change(there: Place, marts: Mapping[str, str], share: int) -> None:
    """Make a build that goes on from the one before, of which so many in a hundred loans are changed.

    marts: what is changed, in SQL, by mart.
    """
    ((base,),) = there.rows("select max(build_id) from ops.build")
    for mart, how in marts.items():
        names = {"mart": Identifier(mart), "changes": Identifier(f"{mart}_changed")}
        there.own(SQL(KEPT).format(**names))
        there.own(SQL("grant select on candidate.{changes} to arrears_publisher").format(**names))
        if share:
            there.own(SQL(CHANGE).format(**names, change=SQL(how), share=Literal(share), base=Literal(base)))
        tidy(there, "candidate", mart)
    there.own(RECORD, {"day": LAST, "base": base})


def rebuilt(there: Place) -> None:
    """Put the candidate as it is on record as a build of everything."""
    there.own(RECORD, {"day": LAST, "base": None})


def published(there: Place) -> tuple[float, PublishResult]:
    """Publish the newest build. Returns the seconds, too, without those of starting a process."""
    ((build_id,),) = there.rows("select max(build_id) from ops.build")
    began = time.perf_counter()
    result = publish(build_id, url=there.settings.url(Role.PUBLISHER))
    return time.perf_counter() - began, result


def forget(there: Place, mart: str) -> None:
    """Remove what no longer stands of a published mart: it is to be as large the next time it is measured."""
    there.own(SQL("delete from published.{} where superseded_in is not null").format(Identifier(mart)))
    tidy(there, "published", mart)


def tidy(there: Place, schema: str, mart: str) -> None:
    """What the server does by itself some time later, and not while something is measured."""
    there.own(SQL("vacuum analyze {}").format(Identifier(schema, mart)))
