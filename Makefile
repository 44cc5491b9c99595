# Every recipe is one line and can be typed without make.
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock docs

help:                 ## list the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

.venv/ready: requirements.lock requirements-dev.lock pyproject.toml
	python3 tools/setup.py

setup: .venv/ready    ## create .venv with everything the locks name

run: .venv/ready      ## serve the demo hotel on http://127.0.0.1:8000
	$(BIN)/countenance demo

test: .venv/ready     ## run the whole suite
	$(BIN)/python -m pytest -n 2

check: .venv/ready    ## lint, types, import contract
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/ready    ## the comparisons with peers, about ten minutes
	$(BIN)/python -m bench

lock: .venv/ready     ## write the lock files again from pyproject.toml
	$(BIN)/python tools/lock.py

docs: .venv/ready     ## write the generated reference again
	$(BIN)/python tools/reference.py
