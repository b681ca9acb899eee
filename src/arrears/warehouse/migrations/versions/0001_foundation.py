"""Raw entities, the pipeline's own records, and the views on the record of publications."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # exec_driver_sql: the file is plain SQL, in which a colon is a colon.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
