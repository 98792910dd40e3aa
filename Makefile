# `make` lists what can be done. The only things a machine must have are make and Python 3.11, 3.12 or 3.13.

PYTHON ?= python3
UPGRADE ?=

VENV := .venv
CHECKS := .venv-manifests
LISTS := .venv-sbom
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
LOCKS := requirements/dev.txt requirements/build.txt
DETECTOR := demo/detector
AT_ONCE := --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check docs manifests sbom coverage mutants install lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## train on real data, serve the detector, score records and show why they stand out
	$(BIN)/python -m training.train --output $(DETECTOR) --overwrite
	$(BIN)/python scripts/demo.py $(DETECTOR)

test: $(INSTALLED) ## run the test suite
	$(BIN)/python -m pytest $(AT_ONCE) -m "not slow"

check: $(INSTALLED) ## check format, style, types and the import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(INSTALLED) ## run the test suite and say which share of lines and branches it runs; htmlcov/index.html shows them
	$(BIN)/python -m pytest $(AT_ONCE) -m "not slow" --cov --cov-report=term --cov-report=html

mutants: $(INSTALLED) ## put small faults into what scores depend on, and list those that no fast test notices
	$(BIN)/mutmut run
	$(BIN)/mutmut results

docs: $(INSTALLED) ## build the pages into docs/_build/index.html; a warning is an error
	$(BIN)/python -m sphinx -W -n --keep-going -q -b html docs docs/_build

manifests: $(CHECKS)/installed ## build what kubectl would apply, and check it; needs kubectl
	bash scripts/check_manifests.sh $(CHECKS)/bin

sbom: $(LISTS)/installed ## list the packages that serving needs in sbom.json (CycloneDX)
	$(LISTS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file sbom.json requirements/serve.txt

install: $(INSTALLED) ## make .venv with everything that is locked

# Wheels and their hashes are locked; the project itself is installed as a link to this folder.
$(INSTALLED): $(LOCKS) pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(LOCKS:%=-r %)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(CHECKS)/installed $(LISTS)/installed: .venv-%/installed: requirements/%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo 'error: $(PYTHON) is not Python 3.11, 3.12 or 3.13. Name one: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo 'error: $(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }

lock: ## resolve pyproject.toml anew into requirements/; UPGRADE=--upgrade moves every pin
	PYTHON="$(PYTHON)" bash scripts/lock.sh $(UPGRADE)

clean: ## remove .venv, what the demo made, and caches
	rm -rf $(VENV) $(CHECKS) $(LISTS) sbom.json demo build dist docs/_build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov mutants
	find models training service tests scripts benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
