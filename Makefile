# `make quickstart` and `make test` are all that a user needs; both install what they need into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
STAMP = pyproject.toml constraints.txt

.PHONY: quickstart test lint types unit wheel clean

quickstart: $(VENV)/embedded
	$(BIN)/safebench quickstart

test: lint types unit wheel

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/dev
	$(BIN)/mypy

unit: $(VENV)/dev
	$(BIN)/python -m pytest

# The wheel in an empty environment, far from the checkout: `data/` and the entry points have to travel.
wheel: $(VENV)/dev
	VENV=$(abspath $(VENV)) tests/wheel.sh

$(VENV)/python:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/embedded: $(VENV)/python $(STAMP)
	$(PIP) -e '.[embedded]'
	touch $@

$(VENV)/dev: $(VENV)/embedded $(STAMP)
	$(PIP) -e '.[embedded,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
