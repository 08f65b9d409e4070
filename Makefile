# Everything there is to run. Bare `make` lists it. Stages are rules on real files: only what changed is rebuilt. Every file is
# written under a temporary name and moved, so a failing stage leaves whole files and make need not delete any.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
$(if $(filter grouped-target,$(.FEATURES)),,$(error GNU make 4.3 or newer is needed, this is $(MAKE_VERSION)))

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(PY) -m analysis
READY := $(VENV)/.ready
REPORT_READY := $(VENV)/.ready-report
ACCEPT := $(if $(ACCEPT_REVISED),--accept-revised $(ACCEPT_REVISED))
# A fresh machine may carry a BLAS with a thread per core; small fits are faster without.
export OPENBLAS_NUM_THREADS ?= 1

# Stages that do not wait for each other go side by side where one goal is asked for (make -j1: one by one), no more than four,
# since no more are ever ready. Several goals are made in the order they are typed: none says that it follows another.
ifeq ($(MAKELEVEL)$(words $(MAKECMDGOALS)),01)
MAKEFLAGS += --jobs=$(or $(filter 1 2 3,$(shell getconf _NPROCESSORS_ONLN 2>/dev/null)),4)
endif

SOURCES := $(shell find src/analysis -name '*.py' -o -name '*.mplstyle' -o -path '*/registry/*.*' -o -path '*/studies/*.toml')
# What a stage is made of, by room: a change in a drawing redraws, one in the command line makes nothing anew. The report page,
# documents and tables to paste are made whenever they are asked for: nothing follows from their code.
room = $(filter $(foreach place,$(1),src/analysis/$(place)/%),$(SOURCES)) $(addprefix src/analysis/,$(2))
GROUND := study.py files.py provenance.py pipeline/folders.py pipeline/participants.py
# Measurement error and missing values are the claims' and the audit's: no fit reads them.
STATS := $(filter-out src/analysis/stats/measurement/% src/analysis/stats/missing/%,$(call room,stats))
DATA_CODE := $(call room,data/source data/people,$(GROUND) pipeline/cohort.py)
FIT_CODE := $(STATS) $(call room,data/people dose_response,$(GROUND) pipeline/fit.py pipeline/results.py \
	$(addprefix validation/,threshold.py variance.py studies/replication.py studies/gregg_2004.toml))
CLAIM_CODE := $(STATS) $(call room,stats/measurement data/people data/foods dose_response claims,$(GROUND) pipeline/claims.py pipeline/results.py)
PUBLISHED_CODE := $(STATS) $(call room,data/people dose_response validation/studies,$(GROUND) pipeline/published.py pipeline/results.py)
DRAW_CODE := $(call room,report/figures report/words,$(GROUND) report/catalogue.py report/style.mplstyle \
	pipeline/draw.py pipeline/drawings.py pipeline/results.py)
PARTICIPANTS := data/processed/participants.parquet
FOODS := data/processed/foods.parquet
FOOD_TABLES := DRXIFF DRXIFF_B DR1IFF_C DRXFMT DRXFMT_B DRXFCD_C
# Registered tables that no person's row is made of: fetched later, by `foods` or `make data`, they make nobody anew.
BESIDE_PEOPLE := $(FOOD_TABLES) DR2IFF_C KIQ KIQ_U_B KIQ_U_C PAQ PAQ_B PAQ_C
PEOPLE_FILES := $(filter-out $(foreach table,$(BESIDE_PEOPLE),%/$(table).xpt),$(wildcard data/raw/*/*.xpt))
FOOD_CODE := $(call room,data/foods,pipeline/foods.py) $(wildcard src/analysis/data/foods/*.csv)
ESTIMATES := $(addprefix data/processed/estimates/,$(addsuffix .csv,flow flow_reasons models fits tests odds_ratio_curve prevalence quintiles \
	calibration influence collinearity weights distribution characteristics characteristics_by_quintile published_threshold variance variance_side_by_side))
SHAPES := $(addprefix data/processed/estimates/,$(addsuffix .csv,shape threshold knots knot_curves))
FIGURES := $(foreach name,dose_response shape knots models quintiles diagnostics flow adequacy modifiers modifier_curves foods causes \
	published,figures/$(name).png figures/$(name).svg figures/$(name).md figures/$(name).csv) \
	$(addprefix figures/,dose_response_prevalence.csv dose_response_distribution.csv shape_curve.csv shape_threshold.csv knots_curves.csv \
	diagnostics_influence.csv diagnostics_distribution.csv flow_reasons.csv adequacy_odds_ratios.csv modifiers_tests.csv)
CLAIMS := $(addprefix data/processed/estimates/claims_,$(addsuffix .csv,adequacy_shares adequacy_variances adequacy_exposures \
	supplements_odds supplements_amounts modifiers_tests modifiers_arms modifiers_curves depletion causes arteries recall_agreement \
	recall_slopes foods verdicts))
COMPARED := data/processed/estimates/published.csv
STANDS := data/processed/estimates/published_stands.csv
FITTED := data/processed/estimates/models.csv
SHAPED := data/processed/estimates/shape.csv
CLAIMED := data/processed/estimates/claims_modifiers_tests.csv
DRAWN := figures/dose_response.png
AUDITED := data/processed/estimates/audit_specifications.csv
REFEREED := data/processed/estimates/referee.csv
SIMULATED := data/processed/simulation/shapes.csv
TABLES := characteristics characteristics_by_quintile models claims published
NOTEBOOKS := $(wildcard notebooks/[0-9]*.py)

.PHONY: help env demo test test-real data cohort foods models claims published figures tables notebooks check format lock reference bench bench-beside bench-exposures audit \
	simulate report docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort -s -t: -k1,1 | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'
	@echo
	@echo "  NHANES_URL=... names another server, a mirror or a file:// folder, up to and including .../Public"
	@echo "  EXPOSURE=phosphorus_mg OUTCOME=strict, STUDY=FILE.toml or COLUMN=FILE.csv: make audit of that claim, into data/processed/audits"
	@echo "  ACCEPT_REVISED=TABLE goes on with a file that the CDC has revised; every output then says so"

env: $(READY) ## make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) src/environment.py create $(VENV) --project .

demo: $(READY) ## invent a survey, run everything on it; needs no data and no network but the package index
	@$(RUN) demo

test: $(READY) ## the whole test suite, on invented data
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term

test-real: $(PARTICIPANTS) $(FOODS) ## tests on the real files: counts, R's numbers, committed estimates unchanged
	@$(PY) -m pytest -n auto --dist loadfile --no-cov -m real

data: $(READY) ## download what is missing of all registered NHANES files into data/raw
	@$(RUN) fetch $(ACCEPT)

cohort: $(PARTICIPANTS) ## one row per person, from the real files

foods: $(FOODS) ## the recalled foods, one row each, from the real files (240 MB more to download)

models: $(ESTIMATES) $(SHAPES) ## the estimates, from the real files

claims: $(CLAIMS) $(FIGURES) ## the article's further claims, from the real files: supplements, adequacy, modifiers, depletion, foods, other causes, arteries; then all figures

published: $(if $(STUDY),$(if $(DATA),,$(PARTICIPANTS)),$(COMPARED) $(STANDS) $(if $(wildcard $(FOODS)),$(FIGURES))) ## what was published on the same people, recomputed: printed beside ours; then all figures, where the foods are at hand; STUDY=FILE.toml: of a file of your own
	@$(if $(STUDY),$(RUN) published --study $(STUDY) $(if $(DATA),--data $(DATA)))

figures: $(FIGURES) ## the figures, from the real files; downloads first what is missing
	@echo "Up to date: $(sort $(dir $(FIGURES)))"

$(PARTICIPANTS): $(DATA_CODE) $(PEOPLE_FILES) | $(READY)
	@$(RUN) fetch --needed $(ACCEPT)
	@$(RUN) cohort

$(FOODS): $(PARTICIPANTS) $(FOOD_CODE) | $(READY)
	@$(RUN) fetch --tables $(FOOD_TABLES) $(ACCEPT)
	@$(RUN) foods

# One file of each stage stands for all it writes: make -n would forget what follows from the others of a group.
$(FITTED): $(PARTICIPANTS) $(FIT_CODE) | $(READY)
	@$(RUN) fit

$(SHAPED): $(PARTICIPANTS) $(FIT_CODE) | $(READY)
	@$(RUN) shapes

$(DRAWN): $(FITTED) $(SHAPED) $(CLAIMED) $(COMPARED) $(DRAW_CODE) | $(READY) $(ESTIMATES) $(SHAPES) $(CLAIMS) $(STANDS)
	@$(RUN) figures

$(CLAIMED): $(PARTICIPANTS) $(FOODS) $(FITTED) $(SHAPED) $(CLAIM_CODE) | $(READY)
	@$(RUN) claims

$(COMPARED): $(PARTICIPANTS) $(PUBLISHED_CODE) | $(READY)
	@$(RUN) published

# Files that were lost are made again with the others of their stage, in one run for all of them.
lost = @for file in $(filter-out $(1),$(2)); do test -e $$file || { $(RUN) $(3); break; }; done

$(filter-out $(FITTED),$(ESTIMATES)) &: | $(FITTED)
	$(call lost,$(FITTED),$(ESTIMATES),fit)

$(filter-out $(SHAPED),$(SHAPES)) &: | $(SHAPED)
	$(call lost,$(SHAPED),$(SHAPES),shapes)

$(filter-out $(CLAIMED),$(CLAIMS)) &: | $(CLAIMED)
	$(call lost,$(CLAIMED),$(CLAIMS),claims)

$(STANDS): | $(COMPARED)
	$(call lost,,$(STANDS),published)

$(filter-out $(DRAWN),$(FIGURES)) &: | $(DRAWN)
	$(call lost,$(DRAWN),$(FIGURES),figures)

tables: $(if $(DATA),,$(FITTED) $(SHAPED) $(CLAIMED) $(COMPARED)) $(VENV)/.tables ## the tables to paste, as HTML and docx in tables/; installs great_tables and python-docx first; DATA=data/demo: of the invented survey, in its tables/
	@for name in $(if $(wildcard $(DATA)/raw/registry),$(filter-out published,$(TABLES)),$(TABLES)); do for form in html docx; do \
		$(RUN) table $$name $(if $(DATA),--data $(DATA)) -o $(if $(DATA),$(DATA)/)tables/$$name.$$form || exit; done; done

# Nothing is installed while a stage runs.
$(VENV)/.tables: requirements-tables.lock $(READY) | $(if $(DATA),,$(FITTED) $(SHAPED) $(CLAIMED) $(COMPARED))
	@$(PY) -m pip install --quiet --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

# One that fails does not keep the others from being written; make says at the end that not all were.
notebooks: ## execute the notebooks on the real files
	@$(MAKE) --no-print-directory --keep-going $(NOTEBOOKS:.py=.ipynb)

notebooks/%.ipynb: notebooks/%.py notebooks/execute.py $(DRAWN) | $(READY)
	@$(PY) notebooks/execute.py $< $@

# What a notebook reads beside the tables that the figures are drawn from.
notebooks/02-is-it-a-u.ipynb: $(SIMULATED)
notebooks/03-how-much-stands.ipynb: $(AUDITED) $(SIMULATED)
notebooks/05-what-decides-it.ipynb: $(REFEREED) $(SIMULATED)

check: $(READY) ## lint, types, lock and environment in step, how large the code is; changes nothing
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest -q --no-cov tests/test_environment.py tests/test_architecture.py
	@$(PY) tests/measure.py

format: $(READY) ## put the code into the project's format
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .

lock: $(READY) ## renew requirements.lock from pyproject.toml, and say what changed
	@$(PY) src/environment.py lock

reference: $(PARTICIPANTS) $(FOODS) ## R's numbers on the real files and on invented data (needs R, survey, rms)
	@command -v Rscript >/dev/null || { echo "no Rscript: install R with the packages survey, rms, foreign, jsonlite" >&2; exit 1; }
	@$(RUN) demo >/dev/null
	Rscript tests/reference/nhanes_reference.R data/demo/raw tests/reference/studies.csv tests/reference/synthetic
	Rscript tests/reference/nhanes_reference.R data/raw tests/reference/studies.csv tests/reference/real
	Rscript tests/reference/variance_reference.R data/raw tests/reference/real
	Rscript tests/reference/published_reference.R data/raw tests/reference/design_input.csv tests/reference
	Rscript tests/reference/stands_reference.R data/raw tests/reference/real
	Rscript tests/reference/foods_reference.R data/raw src/analysis/data/foods/codes.csv tests/reference/real
	$(PY) -c 'from tests.audit import test_reference as t; t.drawn_cells().to_csv("tests/reference/audit_cells.csv")'
	Rscript tests/reference/audit_reference.R data/demo/raw tests/reference/audit_cells.csv tests/reference/synthetic
	Rscript tests/reference/audit_reference.R data/raw tests/reference/audit_cells.csv tests/reference/real
	Rscript tests/reference/causes_reference.R data/demo/raw tests/reference/synthetic
	Rscript tests/reference/causes_reference.R data/raw tests/reference/real
	Rscript tests/reference/supplements_reference.R data/demo/raw tests/reference/synthetic
	Rscript tests/reference/supplements_reference.R data/raw tests/reference/real
	Rscript tests/reference/adequacy_reference.R data/demo/raw tests/reference/synthetic
	Rscript tests/reference/adequacy_reference.R data/raw tests/reference/real
	Rscript tests/reference/modifiers_reference.R data/demo/raw tests/reference/synthetic
	Rscript tests/reference/modifiers_reference.R data/raw tests/reference/real
	Rscript tests/reference/referee_reference.R data/demo/raw tests/reference/synthetic
	Rscript tests/reference/referee_reference.R data/raw tests/reference/real imputed
	$(PY) tests/reference/make_design_input.py > tests/reference/design_input.csv
	Rscript tests/reference/design_reference.R tests/reference/design_input.csv tests/reference/design
	Rscript tests/reference/descriptives_reference.R tests/reference/design_input.csv tests/reference/descriptives
	Rscript tests/reference/lonely_reference.R tests/reference/design_input.csv tests/reference/lonely
	Rscript tests/reference/replicates_reference.R tests/reference/design_input.csv tests/reference/replicates
	Rscript tests/reference/diagnostics_reference.R tests/reference/design_input.csv tests/reference/diagnostics
	Rscript tests/reference/threshold_reference.R tests/reference/design_input.csv tests/reference/threshold
	Rscript tests/reference/inference_reference.R tests/reference/design_input.csv tests/reference/inference
	Rscript tests/reference/shape_reference.R tests/reference/design_input.csv tests/reference/shape
	Rscript tests/reference/knots_reference.R tests/reference/hmisc_knots

audit: $(PARTICIPANTS) ## how much of the curve stands: 4,725 specifications, every nutrient, energy, cycles; resumes where it stopped
	@$(RUN) audit $(if $(EXPOSURE),--exposure $(EXPOSURE)) $(if $(OUTCOME),--outcome $(OUTCOME)) $(if $(STUDY),--study $(STUDY)) \
		$(if $(COLUMN),--column $(COLUMN))
	@$(if $(EXPOSURE)$(OUTCOME)$(STUDY)$(COLUMN),,$(RUN) referee)

simulate: $(READY) ## try intervals, tests and verdict on 1,000 outcomes of known truth a curve (40 invented surveys x 25); writes data/processed/simulation
	@$(RUN) simulate

report: $(REPORT_READY) ## everything found on one page with an explorer, data/processed/report.html; DATA=data/demo: of the invented survey
	@$(RUN) report $(if $(DATA),--data $(DATA))

docs: $(READY) ## renew what README and docs/ tell of the results; docs/ as pages in data/processed/docs, without network
	@$(RUN) docs

$(REPORT_READY): requirements-report.lock | $(READY)
	@$(PY) -I -m pip --disable-pip-version-check --no-input install --quiet --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

# What speed is compared with: the commit before this project was made fast, or the checkout of any other.
TREE ?= .benchmarks/e0a6fa5
.benchmarks/%:
	@git worktree add --quiet --detach $@ $*

bench: bench-beside ## how fast it is: beside an older commit, beside R where R is installed, and what was asked of it
	@$(PY) -m pytest -q --no-cov -m benchmark tests/benchmarks
	@$(PY) tests/benchmarks/targets.py

bench-beside: $(PARTICIPANTS) | $(TREE) ## how fast pieces and whole stages are beside the checkout of another commit, in turns: make bench-beside TREE=../other
	@$(PY) tests/benchmarks/beside.py $(TREE)
	@$(PY) tests/benchmarks/where_time_goes.py $(TREE)
	@$(PY) tests/benchmarks/stages.py $(TREE)

bench-exposures: $(PARTICIPANTS) ## what an audit of another exposure costs beside the primary study's, and ten beside one
	@$(PY) tests/benchmarks/exposures.py

clean: ## remove what was built; never data/raw
	rm -rf data/processed/cache data/processed/participants.parquet data/processed/provenance.json data/processed/foods.parquet data/processed/foods.json data/processed/report.html data/demo
	rm -rf data/processed/audit data/processed/audits data/processed/simulation/tasks .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .coverage
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
