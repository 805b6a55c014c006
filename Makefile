# Every target makes the virtual environment it needs; nothing is installed by hand.
# Settings: VENV (where it goes), PYTHON (which interpreter makes it), PYTEST_ARGS,
# BENCH_ARGS.

VENV ?= .venv
PYTEST_ARGS ?=
# `auto` = one pytest worker per core.
WORKERS ?= auto

# First interpreter that skmtl and numba support and that can make an environment.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	2>/dev/null && echo "$$p" && break; done)

ifeq ($(OS),Windows_NT)
BIN_DIR := Scripts
else
BIN_DIR := bin
endif
BIN = $(VENV)/$(BIN_DIR)

# One row per supported scikit-learn. Each older one is paired with libraries of its
# own time, because warnings are errors here; 1.6.1 is also the row of minimum versions.
SKLEARNS := 1.6.1 1.7.2 1.8.0 newest
PINS_1.6.1 := scikit-learn==1.6.1 numpy==1.26.4 scipy==1.11.4 numba==0.60.0 pandas==2.1.4 \
	matplotlib==3.8.4 pyparsing==3.1.4 joblib==1.3.0
PINS_1.7.2 := scikit-learn==1.7.2 numpy==2.2.6 scipy==1.15.3 pandas==2.3.3
PINS_1.8.0 := scikit-learn==1.8.0 numpy==2.3.5 scipy==1.16.3
PINS_newest :=

# What every script of benchmarks/ is run with ("--quick", "--threads all"), and where
# the tables go.
BENCH_ARGS ?=
BENCH_DIR ?= docs/benchmarks

# A notebook per example; a cell may take CELL_SECONDS.
CELL_SECONDS := 600
EXAMPLES := $(wildcard examples/*.py examples/teaching/*.py)
NOTEBOOKS := $(EXAMPLES:examples/%.py=docs/_build/notebooks/%.ipynb)

.PHONY: help demo test check lint fix docs notebooks bench warmup sklearn-matrix clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: $(VENV)/.demo  ## install into a fresh environment and run examples/quickstart.py
	MPLBACKEND=Agg $(BIN)/python examples/quickstart.py

test: $(VENV)/.test  ## run the tests and the doctests in parallel
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: lint test  ## everything a change must pass, except the documentation build

lint: $(VENV)/.test  ## formatting and ruff
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

fix: $(VENV)/.test  ## format and repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs  ## build docs/_build/html, warnings are errors
	rm -rf docs/api/generated
	$(BIN)/python -m sphinx -W --keep-going -q -E -j auto docs docs/_build/html

notebooks: $(NOTEBOOKS)  ## make and run a notebook of every example, in docs/_build/notebooks/

bench: $(VENV)/.bench  ## run every script in benchmarks/ into docs/benchmarks/
	@set -e; mkdir -p "$(BENCH_DIR)"; for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; \
		kept="$(BENCH_DIR)/$$(basename "$$script" .py).txt"; \
		$(BIN)/python "$$script" $(BENCH_ARGS) > "$$kept.new"; \
		mv "$$kept.new" "$$kept"; \
		cat "$$kept"; \
	done

warmup: $(VENV)/.demo  ## compile the numba kernels into the on-disk cache
	$(BIN)/python -m skmtl.warmup

sklearn-matrix:  ## the tests on every supported scikit-learn, each in .venvs/
	$(MAKE) --keep-going $(SKLEARNS:%=sklearn-%)

clean:  ## remove environments, caches and built documentation
	rm -rf $(VENV) .venvs .cache .pytest_cache .ruff_cache .hypothesis
	rm -rf build dist skmtl.egg-info docs/_build docs/_generated docs/api/generated

# Environments. A stamp records a finished installation, so that running a target
# again costs nothing until pyproject.toml changes; the package itself is editable.

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.14 with venv and ensurepip \
	was found. Install one, or name it: make PYTHON=/path/to/python ..." >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable ".[data,plot]"
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@

$(VENV)/.docs: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable ".[data,plot,bench]"
	@touch $@

$(VENV)/.notebooks: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable ".[notebooks]"
	@touch $@

# What only a script does (the cells with that tag) is left out. If a cell raises, the
# notebook is not written and make fails.
docs/_build/notebooks/%.ipynb: examples/%.py $(VENV)/.notebooks FORCE
	@echo "== $<"
	@$(BIN)/python -m jupytext --quiet --to ipynb --set-kernel python3 --output - $< | \
	MPLBACKEND= $(BIN)/python -m nbconvert --stdin --to notebook --execute \
		--log-level ERROR --ExecutePreprocessor.timeout=$(CELL_SECONDS) \
		--TagRemovePreprocessor.enabled=True \
		--TagRemovePreprocessor.remove_cell_tags=script \
		--output-dir $(@D) --output $(@F)

# A pattern, so that phony rows can share one recipe; FORCE runs it every time.
sklearn-%: FORCE
	@test -f .venvs/$*/.created || $(MAKE) VENV=.venvs/$* .venvs/$*/.created
	@test .venvs/$*/.pinned -nt pyproject.toml && test .venvs/$*/.pinned -nt Makefile || \
		{ .venvs/$*/$(BIN_DIR)/python -m pip install --quiet --upgrade --editable ".[test]" $(PINS_$*) \
		&& touch .venvs/$*/.pinned; }
	.venvs/$*/$(BIN_DIR)/python -c "import sklearn; print('== scikit-learn', sklearn.__version__)"
	.venvs/$*/$(BIN_DIR)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

FORCE:
