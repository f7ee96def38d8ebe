# Two commands do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.

# Tests start hundreds of processes: without compiled files each of them compiles the server first.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SDK := src/accredit/server/sdk/accredit.js
SDK_SOURCES := $(wildcard sdk/src/*.ts) sdk/package.json sdk/package-lock.json $(wildcard sdk/*.mjs) src/accredit/__init__.py

.PHONY: help demo check-demo test test-long test-sdk lint types sdk bench lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.server $(SDK) ## install into .venv, start the demo, print where to look
	$(BIN)/accredit demo

check-demo: $(VENV)/.server $(SDK) ## drive the demo's scenarios over HTTP, print a table, fail on any surprise
	$(BIN)/accredit demo --check

test: lint ## install what the tests need and run all of them
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target types test-sdk
	$(BIN)/pytest --numprocesses $$((2 * $$(nproc))) --dist loadfile

test-long: $(VENV)/.dev ## the tests that take minutes: nodes killed at random while ten thousand events are delivered
	$(BIN)/pytest -m long

lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev $(SDK) ## mypy, strict
	$(BIN)/mypy
	npm run --prefix sdk --silent types

test-sdk: $(SDK) ## the browser SDK's own tests
	npm test --prefix sdk --silent

sdk: $(SDK) ## build the browser SDK

bench: $(VENV)/.bench $(SDK) ## measure, beside limits and peers; writes bench/RESULTS.md
	$(BIN)/python -m bench

lock: ## resolve the pinned requirements anew (needs uv in .venv)
	for kind in server dev bench; do \
	  $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --quiet --upgrade $$(tools/extras $$kind) -o requirements/$$kind.lock; \
	done

clean: ## remove what was installed and built
	rm -rf $(VENV) sdk/node_modules sdk/dist tests/interop/node/node_modules tests/browser/node_modules \
	  tests/providers/node/node_modules .demo
	rm -f src/accredit/server/sdk/accredit.js src/accredit/server/sdk/integrity.json

$(BIN)/python:
	tools/make-venv $(PYTHON) $(VENV)

# Each stamp stands for a set of locked requirements; the larger one holds the smaller.
$(VENV)/.server: requirements/server.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/server.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.server
	tools/install-system
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	npm ci --prefix tests/interop/node --loglevel=error
	npm ci --prefix tests/browser --loglevel=error
	npm ci --prefix tests/providers/node --loglevel=error
	touch $@

$(VENV)/.bench: requirements/bench.lock $(VENV)/.dev
	$(BIN)/pip install --quiet --require-hashes -r requirements/bench.lock
	touch $@

sdk/node_modules: sdk/package-lock.json
	npm ci --prefix sdk --loglevel=error
	touch $@

$(SDK): $(SDK_SOURCES) | sdk/node_modules
	npm run --prefix sdk --silent build
