# Every target makes what it needs: `make demo` works in a fresh clone with Python 3.11 or newer only,
# `make test` with Java 17 and Maven (they bring the Kafka that the tests talk to), nginx and Node besides.

PYTHON ?= python3
CONFIG ?= config/relay.toml
DEMO_ARGS ?=
PYTEST_ARGS ?=
BENCH ?=
BENCH_ARGS ?=
LOCK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
LOCKER := .venv-lock
LOCKS := requirements.txt requirements-build.txt requirements-dev.txt
# Nothing of the machine that made a lock may stand in it: no index, no folder.
COMPILE := $(LOCKER)/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--annotation-style=line --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help demo serve test bench check format docs lock clean

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(RUN) ## Simulated phone system, relay and a receiver; ends with an audit.
	$(BIN)/relay demo $(DEMO_ARGS)

serve: $(RUN) ## Run relay with CONFIG (config/relay.toml).
	exec $(BIN)/relay serve --config $(CONFIG)

test: $(DEV) ## The whole suite, with a real Kafka and a real PostgreSQL.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: $(DEV) ## Measure; JSON comes last. BENCH=webhook|ingest|dialer|kafka|memory|profile for a part.
	$(BIN)/python -m bench $(BENCH) $(BENCH_ARGS)

check: $(DEV) ## Lint, format, types, walls between the rooms.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## Format the code.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(DEV) ## Make the generated pages of docs/ anew.
	$(BIN)/python -m relay.model.events_page > docs/events.md
	$(BIN)/python -m relay.telemetry.metrics_page > docs/metrics.md
	$(BIN)/python -m relay.cli.commands_page > docs/cli.md
	$(BIN)/python -m relay.commands.functions_page > docs/functions.md

lock: $(LOCKER)/bin/pip-compile ## Lock the requirements anew; LOCK_ARGS=--upgrade takes newer versions.
	$(COMPILE) $(LOCK_ARGS) --output-file requirements.txt pyproject.toml
	$(COMPILE) $(LOCK_ARGS) --constraint requirements.txt --extra build --extra dev \
		--output-file requirements-dev.txt pyproject.toml
	printf 'hatchling\neditables\n' | $(COMPILE) $(LOCK_ARGS) --constraint requirements-dev.txt \
		--output-file requirements-build.txt -
	@! grep -nE '://|^-|@ file' $(LOCKS) || { echo 'a lock names a place' >&2; exit 1; }

clean: ## Remove what the targets made.
	rm -rf $(VENV) $(LOCKER) .kafka .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "relay needs Python 3.11 or newer; name one: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# --no-build-isolation: the package itself is built with the locked hatchling, not with one fetched on the side.
$(RUN): requirements.txt requirements-build.txt pyproject.toml relay/version.py | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.txt $(RUN)
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

$(LOCKER)/bin/pip-compile:
	$(PYTHON) -m venv $(LOCKER)
	$(LOCKER)/bin/python -m pip --disable-pip-version-check install --quiet pip-tools==7.6.2
