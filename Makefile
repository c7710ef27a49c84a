# `make` sets up .venv and runs the main job; `make test` sets up what the tests need and runs all of them;
# `make fpga` sets up the tools that `carousel build` needs, `make prove` those of `carousel prove`, and
# `make page` those of `carousel page`, and makes the page of the model. `make docs` makes a site of docs/
# and of the docstrings, in out/site.

PYTHON ?= python3
MODEL ?= models/temporal_order_held.npz
BIN := .venv/bin
# A file stays with one process, which makes what its tests share once.
SPREAD := -n 2 --dist loadfile --no-loadscope-reorder

# Other people's packages must not be mixed in, and modules are compiled once and not in each of the
# hundreds of processes that tests start.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

ifneq ($(MAKECMDGOALS),clean)
PROBLEM := $(shell sh tools/check_setup.sh '$(PYTHON)')
ifneq ($(PROBLEM),)
$(error $(PROBLEM))
endif
endif

.PHONY: all test suite soak mutants bench lint format fpga prove page docs clean

all: .venv/run.stamp
	$(BIN)/carousel run $(MODEL)

# Lint and types are checked beside the tests; what fails of either fails the whole.
test:
	@$(MAKE) --no-print-directory -j2 lint suite

suite: .venv/test.stamp
	$(BIN)/pytest -q $(SPREAD)

soak: .venv/test.stamp .venv/page.stamp .venv/docs.stamp .venv/torch.stamp
	$(BIN)/pytest -q $(SPREAD) -m soak

mutants: .venv/test.stamp
	$(BIN)/python -m bench.mutants

bench: .venv/test.stamp
	$(BIN)/python -m bench

lint: .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright

format: .venv/test.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fpga: .venv/fpga.stamp

prove: .venv/prove.stamp

page: .venv/page.stamp
	$(BIN)/carousel page $(MODEL)

docs: .venv/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Site  out/site: $(BIN)/mkdocs serve shows it"

.venv/run.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' run

.venv/test.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' test

.venv/fpga.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' fpga

.venv/prove.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' prove

.venv/page.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' page

.venv/torch.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' torch

.venv/docs.stamp: pyproject.toml
	@sh tools/setup.sh '$(PYTHON)' docs

clean:
	rm -rf .venv build out *.egg-info .pytest_cache .ruff_cache .hypothesis
