# Every recipe is one line and can be typed without make.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench soak mutate pictures lock docs clean

help:                    ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 16

# Two stamps: the server needs fewer packages than the tests.
.venv/run-ready: requirements-build.lock requirements.lock pyproject.toml
	$(PYTHON) tools/setup.py run

.venv/dev-ready: requirements-build.lock requirements-dev.lock pyproject.toml
	$(PYTHON) tools/setup.py dev

setup: .venv/dev-ready   ## create .venv with everything the locks name

run: .venv/run-ready     ## serve the demo hotel on http://127.0.0.1:8000
	$(BIN)/countenance demo

test: .venv/dev-ready    ## run the whole suite, checks included
	$(BIN)/python -m pytest

check: .venv/dev-ready   ## lint, types, import contract: under a minute
	$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy && $(BIN)/lint-imports

format: .venv/dev-ready  ## lay out the code and mend what the linter can mend by itself
	$(BIN)/ruff format && $(BIN)/ruff check --fix

bench: .venv/dev-ready   ## the comparisons with peers, about ten minutes
	$(BIN)/python -m bench

soak: .venv/dev-ready    ## kill servers and database at random for ten minutes: nothing that was answered is lost
	$(BIN)/python -m tests.soak --seconds 400 && $(BIN)/python -m tests.soak --seconds 200 --encrypted

mutate: .venv/dev-ready  ## change `decide` on purpose: a test must notice each change, about a quarter of an hour
	$(BIN)/python tools/mutate.py decide

pictures: .venv/dev-ready  ## a screenshot of every page in both languages, for the guides
	PICTURES=docs/guide/pictures $(BIN)/python -m pytest -n0 tests/browser/test_every_page.py tests/browser/test_authority_pages.py

lock: .venv/dev-ready    ## write the lock files again from pyproject.toml
	$(BIN)/python tools/lock.py

docs: .venv/dev-ready    ## write the generated reference again
	$(BIN)/python tools/reference.py

clean:                   ## remove .venv and every cache; data directories stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
