#!/bin/sh
# Resolve pyproject.toml into lock files with versions and hashes, and no address to download from.
set -eu
compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --custom-compile-command "make lock" "$@"
}
compile --override requirements/overrides.txt --extra embedded --group build pyproject.toml -o requirements/run.lock
# The image: whichever executor and store a company has.
compile --override requirements/overrides.txt --extra embedded --extra s3 --extra sftp --extra celery --extra kubernetes --group build \
    --constraint requirements/run.lock pyproject.toml -o requirements/image.lock
compile --override requirements/overrides.txt --extra embedded --extra s3 --extra sftp --extra celery --extra lineage --group build \
    --group dev \
    --constraint requirements/run.lock pyproject.toml -o requirements/dev.lock
compile --group superset -o requirements/superset.lock
compile --group bench -o requirements/bench.lock
compile --override requirements/overrides.txt --group spark -o requirements/spark.lock
echo uv | compile - -o requirements/bootstrap.lock
