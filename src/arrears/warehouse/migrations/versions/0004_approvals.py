"""Who approved a candidate and why, and publications that go back to an earlier one."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # exec_driver_sql: the file is plain SQL, in which a colon is a colon.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
