"""Bring Superset's metadata, roles and its two logins up to date. Safe to run again; it ends when it is done.

Runs in Superset's environment: what `superset db upgrade`, `superset init` and `superset fab create-user` do, in one
process. Each by itself would import Superset anew, for half a minute.
"""

import os
import sys

from superset.app import create_app
from superset.cli.main import superset

# who looks at dashboards and loads them, and who tells of a publication; each password comes from the environment
LOGINS = {
    "arrears": ("Admin", "SUPERSET_ADMIN_PASSWORD"),
    "arrears_publisher": ("Forget", "ARREARS_SUPERSET_PASSWORD"),
}


def main() -> None:
    passwords = {name: os.environ.get(variable) or sys.exit(f"{variable} is not set.")
                 for name, (_, variable) in LOGINS.items()}  # fmt: skip
    app = create_app()
    for command in (["db", "upgrade"], ["init"]):
        done = app.test_cli_runner().invoke(superset, args=command)
        if done.exit_code:
            sys.exit(f"superset {' '.join(command)} failed: {done.output}\n{done.exception!r}")
    with app.app_context():
        security = app.appbuilder.sm
        for name, (role, _) in LOGINS.items():
            if user := security.find_user(username=name):
                security.reset_password(user.id, passwords[name])
            else:
                at = f"{name}@localhost"
                security.add_user(name, name, "", at, security.find_role(role), password=passwords[name]) or sys.exit(
                    f"Superset would not make the user {name}."
                )


if __name__ == "__main__":
    main()
