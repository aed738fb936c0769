# Two commands do everything, set-up included: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := constraints.txt
DEMO_OUT := backsight-demo

.DEFAULT_GOAL := help
.PHONY: help demo test check bench e2e web-assets serve demo-session model paper-model cohort calibration format constraints docs clean

help:  ## Say what there is to make.
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Backsight needs Python 3.11 to 3.13; name one with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --editable '.[train,simulate,web,dev]'
	@touch $@ $(VENV)/.base

demo: $(VENV)/.base  ## Assess a real walking clip and a virtual volunteer's session; say where the reports are.
	@echo "Fetching the demo's clip and BlazePose where they are missing, then assessing (about two minutes) ..."
	@if $(BIN)/python scripts/fetch_demo_clip.py >/dev/null; then \
	  $(BIN)/backsight assess "$$($(BIN)/python scripts/fetch_demo_clip.py)" --exercise walk \
	    --start 48f --end 182f --crop 0,470,1560,524 --out $(DEMO_OUT) --overwrite; \
	else echo "Going on without the real clip: the session of a virtual volunteer ships with Backsight."; fi
	$(BIN)/backsight demo --out $(DEMO_OUT)-session --overwrite

web-assets: $(VENV)/.base  ## Fetch what the web pages take from npm, pinned, and put it into the package.
	@$(BIN)/python scripts/build_web.py

serve: $(VENV)/.dev web-assets  ## Start the study's server on this machine.
	$(BIN)/backsight models fetch lite --quiet
	$(BIN)/backsight serve

test: $(VENV)/.dev web-assets  ## Run the tests (fetches BlazePose lite when it is missing).
	$(BIN)/backsight models fetch lite --quiet
	@$(BIN)/python scripts/fetch_demo_clip.py >/dev/null
	$(BIN)/pytest --numprocesses auto --dist loadfile

check: $(VENV)/.dev  ## Lint, types, layers, spelling, docs.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/pytest -q tests/docs

bench: $(VENV)/.dev web-assets  ## Measure this machine, run the slow tests, write docs/figures.
	$(BIN)/pytest -m slow
	$(BIN)/python scripts/fetch_demo_clip.py
	$(BIN)/backsight benchmark road --json docs/figures/road.json
	$(BIN)/backsight benchmark pose --json docs/figures/pose.json || [ $$? -eq 4 ]
	$(BIN)/backsight benchmark live --json docs/figures/live.json || [ $$? -eq 4 ]
	$(BIN)/backsight benchmark batch --json docs/figures/batch.json || [ $$? -eq 4 ]
	$(BIN)/backsight benchmark study --json docs/figures/study.json || [ $$? -eq 4 ]

e2e: $(VENV)/.dev web-assets  ## Open reports and the study's pages in Chromium.
	$(BIN)/backsight models fetch lite --quiet
	$(BIN)/pytest -m browser tests/browser

demo-session: $(VENV)/.dev  ## Film the virtual volunteer's session that ships with Backsight.
	rm -rf build/demo-session && mkdir -p build
	$(BIN)/backsight simulate volunteer --number 13 --seed 1 --view touch-toes=75 --view walk=80 --view jump=20 \
	  --distance 3 --fps 30 --out build/demo-session
	cp build/demo-session/*.mp4 build/demo-session/truth.json src/backsight/demo/

model: $(VENV)/.dev  ## Make the model that ships from the measures of its virtual people, which ship too.
	$(BIN)/python scripts/make_kinematic_model.py

paper-model: $(VENV)/.dev  ## Train the paper's network on virtual volunteers, from its seed.
	mkdir -p build && $(BIN)/backsight train --virtual 4000 --seed 2026 --threads 1 --work build/train --out build/lstm-paper.backsight

cohort: $(VENV)/.dev  ## Film the volunteers for calibration and the held-out ones (hours; resumes).
	$(BIN)/python scripts/calibrate_measures.py --film-only --cohort build/calibration-cohort
	$(BIN)/backsight benchmark measures --cohort build/held-out-cohort --workers 2 || [ $$? -eq 4 ]

calibration: $(VENV)/.dev  ## Find the errors of the measures on filmed volunteers, write the file that ships, judge it.
	$(BIN)/python scripts/calibrate_measures.py --cohort build/calibration-cohort
	$(BIN)/backsight benchmark measures --cohort build/held-out-cohort --workers 2 --plots docs/images --json docs/figures/measures.json || [ $$? -eq 4 ]

format: $(VENV)/.dev  ## Format and mend what can be mended.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove everything that make made here.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis $(DEMO_OUT) $(DEMO_OUT)-session

constraints:  ## Pin what is installed now.
	$(PIP) freeze --exclude-editable | sed -e 's/+cpu//' > $(CONSTRAINTS)

docs: $(VENV)/.dev  ## Write the pages that are made from code and figures.
	$(BIN)/python scripts/write_docs.py
