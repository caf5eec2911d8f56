# make check    try aclkit: check an example policy against its tailnet, tests included
# make test     lint, types and all tests; needs no network once .venv is set up
# make interop  compare aclkit with the module that Tailscale publishes; needs Go, and the module
# make format   put the sources into the form that make test asks for
# make clean    remove everything that make made
#
# A fresh clone needs Python 3.11 or later and make, nothing else: the first target sets up .venv.
# Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

EXAMPLE ?= examples/office

# Stamps: set up again when pyproject.toml changes, and only then.
RUN := $(VENV)/.stamp-run
DEV := $(VENV)/.stamp-dev

.PHONY: check test interop format clean
.DELETE_ON_ERROR:

check: $(RUN)
	$(BIN)/aclkit check $(EXAMPLE)/policy.hujson --tailnet $(EXAMPLE)/tailnet.json

test: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto --dist worksteal

interop: $(DEV)
	$(BIN)/python -m tests.interop.run

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aclkit needs Python 3.11 or later; try: make PYTHON=python3.13")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# Dependency groups came with pip 25.1; a new environment may hold an older one.
$(DEV): $(RUN)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
