# Each target does all of its own set-up: `make test` works from a clean clone.
# `make setup` leaves a stamp, so a second run costs nothing until a lock changes.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# What `make test` asks of the branch coverage of `core`.
CORE_COVERAGE ?= 100
# One process of tests a core; those of a file stay together, for what they share. Whole federations
# have the machine to themselves: their tests are about deadlines, and about who waits for whom.
WORKERS ?= auto
PARALLEL := -n $(WORKERS) --dist loadfile

PROTOS := $(wildcard protos/narrows/wire/v1/*.proto)
# One folder for both directions of generation: the checked-in one, or one to compare it with.
define generate
$(BIN)/python -m grpc_tools.protoc -I protos -I third_party/googleapis \
	--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	--python_out=$(1) --grpc_python_out=$(1) \
	--mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

.PHONY: setup protos format lint types floors wire house check test golden bless system coverage \
	prove mutants demo bench lock

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Narrows needs CPython 3.11 or newer: set PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks the module venv: on Debian, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@touch $(STAMP)

protos: setup
	$(call generate,src)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: setup
	$(BIN)/mypy

floors: setup
	$(BIN)/lint-imports --no-logo

# Compared in a folder of its own, so that it works on uncommitted files and outside git.
wire: setup
	$(BIN)/buf lint
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && $(call generate,"$$fresh") \
		&& diff -r -x __pycache__ -x __init__.py "$$fresh/narrows/wire/v1" src/narrows/wire/v1 \
		|| { echo "src/narrows/wire/v1 is not what the protos make: run make protos"; exit 1; }

house: setup
	$(BIN)/pytest -q tests/test_house.py

check: lint types floors wire house
	@echo "check: all is well"

test: setup
	$(BIN)/pytest $(PARALLEL) --cov --cov-report= --ignore=tests/system
	$(BIN)/pytest --cov --cov-append --cov-report= tests/system
	$(BIN)/coverage report --skip-covered --fail-under=$(CORE_COVERAGE)

golden: setup
	$(BIN)/pytest tests/golden

# Rewrites what the golden cases expect. A person reviews the difference.
bless: setup
	NARROWS_BLESS=1 $(BIN)/pytest tests/golden

system: setup
	$(BIN)/pytest tests/system

# The proofs at nightly size, TPC-H at scale factor 0.1, and whether time tells hidden from absent. A failure names a seed: make prove SEED=... asks the same again.
PROOFS ?= 50000
SEED ?= $(shell date +%Y%m%d)
prove: setup
	NARROWS_PROOF_EXAMPLES=$(PROOFS) NARROWS_PROOF_SEED=$(SEED) $(BIN)/pytest $(PARALLEL) \
		-p no:randomly tests/properties
	@echo "prove: $(PROOFS) questions from seed $(SEED)"
	NARROWS_TPCH_SCALE=small $(BIN)/pytest tests/system/test_tpch.py
	$(BIN)/python bench/hidden.py

# Every seeded fault, and the test that notices it; MUTANTS="never" runs those of that name.
mutants: setup
	$(BIN)/python -m tests.mutants.run $(MUTANTS)

# The worked federation, told in the terminal; a minute or so.
demo: setup
	@$(BIN)/python examples/canada/demo.py

# Prints; asserts nothing. Arguments: make bench BENCH="--seconds 20".
bench: setup
	$(BIN)/python bench/ask.py $(BENCH)
	$(BIN)/python bench/tpch.py
	$(BIN)/python bench/travel.py

# What the tests that are about `core` leave unvisited in it, branch by branch.
coverage: setup
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered \
		tests/unit/core tests/properties tests/golden src/narrows/core

# Not after `setup`, which would refuse what the old lock lacks: it needs the tool `uv` alone.
lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate \
		--python-version 3.11 pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
