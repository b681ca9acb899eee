# `make run` and `make test` are all the set-up there is. Everything they write stays inside this folder.
# A Python to build the environment with can be named: make PYTHON=python3.12 run

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SUPERSET := .venv-superset
BENCH := .venv-bench
SPARK := .venv-spark
export UV_CACHE_DIR  ?= $(CURDIR)/.cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Containers often forbid Python to keep what it compiled; then every process compiles Airflow and dbt anew, for seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run run-real day airflow bi docs spark test spark-test test-airflow test-bi mutation reliability bench bench-guard lint lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# ── environment ──────────────────────────────────────────────────────────────────────────────────────────

$(VENV)/.run: requirements/run.lock requirements/bootstrap.lock scripts/environment.sh pyproject.toml
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/environment.sh requirements/run.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/environment.sh requirements/dev.lock
	@touch $@

# Superset asks for versions that Airflow cannot live with, and for a Python below 3.13.
$(SUPERSET)/.bi: requirements/superset.lock requirements/bootstrap.lock scripts/environment.sh
	@PYTHON=$(PYTHON) VENV=$(SUPERSET) BELOW=13 sh scripts/environment.sh requirements/superset.lock alone
	@touch $@

# What arrears is measured against.
$(BENCH)/.bench: requirements/bench.lock requirements/bootstrap.lock scripts/environment.sh
	@PYTHON=$(PYTHON) VENV=$(BENCH) sh scripts/environment.sh requirements/bench.lock alone
	@touch $@

# Only for ARREARS_ENGINE=spark. Java and Postgres's JDBC driver are the system's packages: docs/operations.md.
$(SPARK)/.spark: requirements/spark.lock requirements/bootstrap.lock scripts/environment.sh
	@PYTHON=$(PYTHON) VENV=$(SPARK) sh scripts/environment.sh requirements/spark.lock alone
	@touch $@

lock: $(VENV)/.run  ## Resolve the dependencies anew into requirements/*.lock
	sh scripts/lock.sh

# ── use ──────────────────────────────────────────────────────────────────────────────────────────────────

run: $(VENV)/.run  ## Install, simulate five lenders, run the DAGs, publish, say what to look at
	@$(BIN)/python scripts/demo.py simulated

run-real: $(VENV)/.run  ## The same with 74 months of a real lender (DATA=the folder that holds its landing/)
	@$(BIN)/python scripts/demo.py real $(if $(DATA),--data $(DATA))

day: $(VENV)/.run  ## The next simulated business day through the DAGs
	@$(BIN)/python scripts/demo.py day

airflow: $(VENV)/.run  ## Airflow's UI and scheduler on 127.0.0.1 (stop with Ctrl-C)
	@$(BIN)/python scripts/demo.py airflow

docs: $(VENV)/.run  ## One static site of the marts and the definitions, from what is built
	@$(BIN)/python scripts/docs_site.py

bi: $(VENV)/.run $(SUPERSET)/.bi  ## Superset with its dashboards on 127.0.0.1 (stop with Ctrl-C)
	@$(BIN)/python scripts/demo.py bi

spark: $(VENV)/.run $(SPARK)/.spark  ## Install what building on Spark needs (ARREARS_ENGINE=spark)

# ── development ──────────────────────────────────────────────────────────────────────────────────────────

test: $(VENV)/.dev lint  ## Install what the tests need and run all of them, but for those of Airflow's services, of Superset and of Spark
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not airflow and not superset and not spark"

test-airflow: $(VENV)/.dev  ## Days run by Airflow's own services, with nothing beside them
	$(BIN)/python -m pytest -m airflow tests/live_airflow

test-bi: $(VENV)/.dev $(SUPERSET)/.bi  ## Superset: every chart against the marts, and every dashboard in a browser
	$(BIN)/python -m pytest -m superset tests/superset

spark-test: $(VENV)/.dev $(SPARK)/.spark  ## Both engines on the same books, every mart row for row; a worker dies on the way
	$(BIN)/python -m pytest -m spark tests/spark --timeout 14400

mutation: $(VENV)/.dev  ## Spoil files and data in every known way, and say how much of it is caught
	$(BIN)/python -m pytest -q -p tests.mutation.score \
		tests/integration/test_five_lenders.py tests/integration/test_situations.py tests/integration/test_held_out.py \
		-k "mutant or column or test_situations or test_held_out"

reliability: $(VENV)/.dev  ## Readers beside publications, kills, cuts, a full disk: at full size, in one table
	ARREARS_RELIABILITY=full $(BIN)/python -m pytest tests/chaos --timeout 14400

bench: $(VENV)/.run $(BENCH)/.bench  ## Measure every step against its peers, by size and by history (ARGUMENTS="day --loans 20000")
	@$(BIN)/python -m benchmarks $(ARGUMENTS)

bench-guard: $(VENV)/.run  ## A minute of benchmarks against the committed ratios; tells, does not fail (ARGUMENTS=--refresh)
	@$(BIN)/python -m benchmarks.guard $(ARGUMENTS)

lint: $(VENV)/.dev  ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/layering.py

clean:  ## Stop the embedded server and remove everything that make wrote
	@for home in .arrears .arrears/real .arrears/walk; do \
		if [ -x $(BIN)/arrears ] && [ -d $$home/postgres ]; then ARREARS_HOME=$$home $(BIN)/arrears down; fi; done
	rm -rf $(VENV) $(SUPERSET) $(BENCH) $(SPARK) .cache .arrears landing truth dbt_project/target dbt_project/logs \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
