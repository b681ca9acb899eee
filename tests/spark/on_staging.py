"""A program in Spark's environment: dbt's models after staging, of the staging tables that Postgres has.

Their rows are those of tests' stories, which no delivery brought. What comes of them is handed over as a build's is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from arrears.spark.hand_over import hand_over
from arrears.spark.kept import make_schemas
from arrears.spark.place import Place
from arrears.spark.process import run_dbt
from arrears.spark.session import open_session
from arrears.spark.tables import query

COLUMNS = """
select relations.relname as name, string_agg(
    case when attributes.atttypid = cast('time' as regtype)
        then format('cast(%1$I as text) as %1$I', attributes.attname) else quote_ident(attributes.attname) end,
    ', ' order by attributes.attnum
) as columns
from pg_class as relations
inner join pg_attribute as attributes
    on relations.oid = attributes.attrelid and attributes.attnum > 0 and not attributes.attisdropped
where relations.relnamespace = cast('staging' as regnamespace) and relations.relkind in ('r', 'v')
group by relations.relname
"""


def main(business_date: str, project: str, target: str) -> None:
    place = Place.of_environment()
    session = open_session(place)
    make_schemas(session, place, build_id=0)
    for table in query(session, place, COLUMNS).collect():
        rows = query(session, place, f"select {table['columns']} from staging.{table['name']}")
        rows.coalesce(1).write.saveAsTable(f"staging.{table['name']}")
    code = run_dbt(
        [
            "--no-use-colors", "--log-path", target, "build", "--full-refresh", "--exclude", "path:models/staging",
            "--resource-type", "seed", "--resource-type", "model", "--project-dir", project, "--profiles-dir", project,
            "--target-path", target, "--vars", json.dumps({"business_date": business_date}), "--target", "spark",
        ]
    )  # fmt: skip
    if code == 0:
        hand_over(session, place, Path(target))
    session.stop()
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
