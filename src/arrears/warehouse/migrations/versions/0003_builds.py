"""What each build knew: the deliveries it was made from."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # exec_driver_sql: the file is plain SQL, in which a colon is a colon.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
