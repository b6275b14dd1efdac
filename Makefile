# For a first look: demo. For developers: format lint type test. To run and measure: serve bench load openapi.
# Each sets up what it needs in .venv, with PYTHON=python3.12 or newer if you have no python3.11.
PYTHON ?= python3.11
VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin
CODE := models training serving npsight.py tests benchmarks
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt

.PHONY: demo test format lint type serve bench load openapi

demo: $(VENV)/light
	$(BIN)/npsight score data_cards/npsight_posts/demo.jsonl --table
	$(BIN)/npsight serve --port $(PORT)

test: lint type
	.ci/postgres $(BIN)/python
	$(BIN)/python -m pytest -q

format: $(VENV)/full
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lint: $(VENV)/full
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/lint-imports

type: $(VENV)/full
	$(BIN)/mypy $(CODE)

bench: $(VENV)/full
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/report.py

load: $(VENV)/full
	$(BIN)/python benchmarks/load.py

openapi: $(VENV)/full
	$(BIN)/npsight openapi > docs/openapi.json

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What serves: no torch.
$(VENV)/light: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) --editable '.[serve]'
	touch $@

# What trains and tests.
$(VENV)/full: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) --editable '.[train,dev]'
	touch $@
