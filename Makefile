# Commands for people and for CI; `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
PORT ?=
SANDBOX_PORT ?= 9001
SOURCES := assessments benchmarks config integrations tests manage.py
export UV_PROJECT_ENVIRONMENT := .venv
export UV_LINK_MODE := copy
# Without bytecode files, each process would compile all its imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-reset install run test lint dependencies bench chaos screenshots
.DEFAULT_GOAL := help

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: .venv/.installed ## Run the portal with a stand-in Ashby and Justifacts: PORT=8000 SANDBOX_PORT=9001
	@exec $(BIN)/python -m config.run demo --sandbox-port $(SANDBOX_PORT) $(if $(PORT),--port $(PORT))

demo-reset: ## Delete all data of the demo (and of a portal with the embedded defaults)
	rm -rf var

install: .venv/.installed ## Install the portal's Python packages into .venv
	@$(BIN)/python -m compileall -q assessments config integrations

run: .venv/.installed ## Run the portal alone, configured by the environment: PORT=8000
	@exec $(BIN)/python -m config.run run $(if $(PORT),--port $(PORT))

test: .venv/.installed-dev ## Run the tests: TESTS=tests/config (REQUIRE_SERVICES=1: fail without a service)
	$(BIN)/python -m pytest -n auto $(TESTS)

lint: .venv/.installed-dev ## Check style, format, security rules, types, import rules, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(SOURCES)
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run

dependencies: .venv/.installed-dev ## Write docs/dependencies.md: production dependencies and licences
	$(BIN)/python -m tests.fixtures.dependencies

bench: .venv/.installed ## Compare the portal's speed with a plain Django: BENCH="--postgresql --check"
	$(BIN)/python -m benchmarks.run $(BENCH)

chaos: .venv/.installed-dev ## Test with injected faults: CHAOS_ORDERS=60 CHAOS_SEED=7 CHAOS_ON=embedded|services|hosts CHAOS_DIALECTS=off CHAOS_SHORT=on
	$(BIN)/python -m tests.chaos

screenshots: .venv/.installed-dev ## Take the screenshots of the README (needs Chromium)
	DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.browser.screenshots

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

# If the machine has no uv, pip installs it into the environment.
.venv/.uv: .venv/bin/python
	command -v uv >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	touch $@

.venv/.installed: .venv/.uv pyproject.toml uv.lock
	$(UV) sync --quiet --locked --inexact --no-dev
	touch $@

.venv/.installed-dev: .venv/.uv pyproject.toml uv.lock
	$(UV) sync --quiet --locked --inexact
	touch $@ .venv/.installed
