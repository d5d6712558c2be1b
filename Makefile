# Each target does all of its own set-up: `make demo` and `make test` work from a clean clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup protos generated format lint types floors test golden bless system check lock coverage

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Narrows needs CPython 3.11 or newer; set PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "the module venv is missing: on Debian, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/pip check
	@touch $(STAMP)

lock: setup
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.txt

PROTOS := $(wildcard protos/narrows/wire/v1/*.proto)
PROTOC = $(BIN)/python -m grpc_tools.protoc -I protos -I third_party/googleapis \
	--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc
protos: setup
	$(PROTOC) --python_out=src --grpc_python_out=src --mypy_out=src --mypy_grpc_out=src $(PROTOS)

# The generated code that is checked in equals what `make protos` makes.
generated: setup
	@rm -rf build/protos && mkdir -p build/protos
	@$(PROTOC) --python_out=build/protos --grpc_python_out=build/protos \
		--mypy_out=build/protos --mypy_grpc_out=build/protos $(PROTOS)
	diff -r -x __pycache__ -x __init__.py build/protos/narrows/wire/v1 src/narrows/wire/v1

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/buf lint

types: setup
	$(BIN)/mypy

floors: setup
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest

golden: setup
	$(BIN)/pytest tests/golden

bless: setup
	NARROWS_BLESS=1 $(BIN)/pytest tests/golden

system: setup
	$(BIN)/pytest tests/system

coverage: setup
	$(BIN)/pytest --cov=narrows.core --cov-branch --cov-report=term-missing:skip-covered tests/unit/core tests/properties tests/golden src/narrows/core

check: lint generated types floors
	@echo "check: all is well"
