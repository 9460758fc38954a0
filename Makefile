# flow200: install into .venv and run, test, check. A second run needs no network and takes seconds.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_VERSION := 26.3
INPUTS := pyproject.toml requirements.lock
CLIENTS := tests/api/rest/clients/package.json tests/api/rest/clients/package-lock.json
FUZZED = $(shell grep -rlE '^(from|import) hypothesis' tests --include='test_*.py')

.PHONY: help run demo test clients bench check lint format docs mutants fuzz reliability lock clean

help:
	@echo "make run      install if needed, then serve flow200 on http://127.0.0.1:8080"
	@echo "make demo     play a day of a bank into a scratch database, then serve it"
	@echo "make test     the tests, on SQLite and PostgreSQL"
	@echo "make clients  Node.js (PyPI) and camunda-deploy (npm) into .venv; make test then runs them too"
	@echo "make check    format, lint, types, arrows, then the tests"
	@echo "make bench    the goals of speed, measured; not part of the tests"
	@echo "make lint     the same without the tests"
	@echo "make format   write the format and the safe fixes of lint"
	@echo "make docs     write the tables of docs/reference from the code"
	@echo "make mutants  take each guard away in turn; its test must go red (some minutes)"
	@echo "make fuzz     the random tests, larger (some minutes)"
	@echo "make reliability  kill the service at random moments; nothing may be lost or doubled"
	@echo "make lock     resolve the dependencies anew and pin them in requirements.lock"
	@echo "make clean    remove .venv and the caches (var/, your data, stays)"

run: .venv/installed
	@echo "==> flow200 serve (stop with Ctrl-C)"
	@$(BIN)/flow200 serve

demo: .venv/installed
	@echo "==> flow200 demo (stop with Ctrl-C)"
	@$(BIN)/flow200 demo

test: .venv/installed-dev
	@echo "==> tests on SQLite and PostgreSQL, a worker for each core"
	@$(BIN)/python -m pytest -n auto $(ARGS)

clients: .venv/clients/installed

bench: .venv/installed-dev
	@echo "==> benchmarks: CPU ratios in one interleaved run (some minutes; ends with 1 when a goal is missed)"
	@$(BIN)/python -m tests.benchmarks

check: lint test

lint: .venv/installed-dev
	@echo "==> format" && $(BIN)/ruff format --check .
	@echo "==> lint" && $(BIN)/ruff check .
	@echo "==> types" && $(BIN)/mypy
	@echo "==> arrows" && $(BIN)/lint-imports

format: .venv/installed-dev
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: .venv/installed-dev
	@echo "==> tables of docs/reference"
	@PYTHONPATH=. $(BIN)/python docs/tables.py

mutants: .venv/installed-dev
	@echo "==> guards taken away, one at a time"
	@$(BIN)/python -m tests.mutants $(ARGS)

fuzz: .venv/installed-dev
	@echo "==> random tests, larger"
	@FLOW200_FUZZ=1 FLOW200_TEST_DATABASES=sqlite $(BIN)/python -m pytest -n auto $(FUZZED) $(ARGS)

reliability: .venv/installed-dev
	@echo "==> the service is killed at random moments"
	@FLOW200_RELIABILITY=1 $(BIN)/python -m pytest -q -s tests/reliability $(ARGS)

lock: .venv/python
	@echo "==> resolving the dependencies without the pins"
	@$(PIP) install --upgrade --editable '.[postgres]' --group test --group lint --group clients
	@$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable > requirements.lock
	@touch .venv/installed .venv/installed-dev

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The dependency groups of pyproject.toml need pip 25.1; Python 3.11 brings an older one.
.venv/python:
	@test -n "$(PYTHON)" || { echo "flow200 needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "flow200 needs Python 3.11 or newer; $(PYTHON) is older. Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install 'pip==$(PIP_VERSION)'
	@touch $@

.venv/installed: .venv/python $(INPUTS)
	@echo "==> installing what flow200 needs into .venv (about a minute, only when the pins change)"
	@$(PIP) install --constraint requirements.lock --editable '.[postgres]'
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "==> installing what the tests and checks need into .venv (only when the pins change)"
	@$(PIP) install --constraint requirements.lock --group test --group lint
	@touch $@

# npm checks each package against the hash in package-lock.json and runs no script of theirs.
.venv/clients/installed: .venv/installed-dev $(CLIENTS)
	@echo "==> installing Node.js and the clients of Camunda into .venv (for the tests, only when the pins change)"
	@$(PIP) install --constraint requirements.lock --group clients
	@mkdir -p $(@D) && cp $(CLIENTS) $(@D)
	@cd $(@D) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@
