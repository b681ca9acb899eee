"""Which publication a candidate was held against."""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    # exec_driver_sql: the file is plain SQL, in which a colon is a colon; to the driver a percent sign is a parameter.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text().replace("%", "%%"))
