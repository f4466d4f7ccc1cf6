# Two commands are all that a new user needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
OUT ?= demo-output

.PHONY: demo test lint types contracts bench dev clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# the C sources too: the compiled kernel must match them
$(VENV)/.base: pyproject.toml constraints.txt hatch_build.py $(wildcard src/poseterior/*/_native/*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/.base  ## lift a real picture and say where the results are
	$(BIN)/poseterior demo --out $(OUT)

test: $(VENV)/.test  ## the whole test suite
	$(BIN)/python -m pytest --numprocesses auto

dev: $(VENV)/.dev  ## everything that a developer needs

lint: $(VENV)/.dev  ## style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev  ## static types
	$(BIN)/pyright

contracts: $(VENV)/.dev  ## who may import whom
	$(BIN)/lint-imports

bench: $(VENV)/.test  ## speed, as ratios to references in the same run
	$(BIN)/python -m benchmarks

clean:  ## remove the virtual environment and the demo's results
	rm -rf $(VENV) $(OUT)
