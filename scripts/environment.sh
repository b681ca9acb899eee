#!/bin/sh
# Install a lock file into the virtual environment, and the checkout itself beside it unless the second word is "alone".
# uv is fast (seconds) and pip is everywhere (minutes), so uv is put into the environment first if it can be had.
set -eu
lock=$1 beside=${2:-checkout} below=${BELOW:-14}

# An environment without a working pip was interrupted while it was made.
if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$VENV"
    "$PYTHON" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, $below))" || {
        echo "$VENV needs Python 3.11 to 3.$((below - 1)); $PYTHON is $("$PYTHON" --version 2>&1). Name another: make PYTHON=python3.12" >&2
        exit 2
    }
    "$PYTHON" -m venv "$VENV" || {
        rm -rf "$VENV"
        echo "$PYTHON cannot make virtual environments: install its venv module (Debian and Ubuntu: python3-venv)." >&2
        exit 2
    }
fi

if [ ! -x "$VENV/bin/uv" ]; then
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r requirements/bootstrap.lock || echo "uv could not be installed; pip does it too, only slower." >&2
fi

echo "installing $lock"
if [ -x "$VENV/bin/uv" ]; then
    VIRTUAL_ENV="$VENV" "$VENV/bin/uv" pip install --quiet --no-deps --require-hashes -r "$lock"
    [ "$beside" = alone ] ||
        VIRTUAL_ENV="$VENV" "$VENV/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
else
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
    [ "$beside" = alone ] ||
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
