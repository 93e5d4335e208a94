# `make demo` and `make test`; `make demo-all` makes all tables. The first one sets up .venv with all that they need.
PYTHON ?= python3
BIN    := .venv/bin
CORES  ?= all
ONE_THREAD := OMP_NUM_THREADS=1  # of each of two processes: on two cores, more threads would wait for each other

ALL_LEARNT := echo; cat results/training_summary.txt; ! grep -q "DID NOT LEARN" results/training_summary.txt

.PHONY: demo demo-all small test test-long test-dvc test-faults test-fuzz test-cluster lock

demo: .venv/.ready
	$(BIN)/python -m snakemake --cores $(CORES) results/table4.csv results/training_summary.txt
	$(BIN)/python -m snakemake --cores $(CORES) --report results/report.html results/table4.csv
	$(BIN)/python -m workflow.page
	@echo; cat results/table4.md; echo
	@echo "table      results/table4.csv   results/table4.md   results/table4.provenance.json"
	@echo "pictures   results/figure5.png (lifted skeletons)  results/figure6.png (crops)  results/figure7.png (sampled skeletons)"
	@echo "training   results/lifting_progress.png   results/training_curves.png"
	@echo "pages      results/index.html (to explore)   results/report.html (Snakemake's report)"
	@$(ALL_LEARNT)

small: .venv/.ready
	$(BIN)/snakemake --cores $(CORES) --keep-going tables lifting \
	  results/probe.csv results/h36m_efficiency.png results/training_summary.txt --config profile=small
	@for name in table3 table4 table8 probe h36m_efficiency lifting; do cat results/$$name.md; echo; done
	@$(ALL_LEARNT)

demo-all: .venv/.ready
	$(BIN)/python -m snakemake --cores $(CORES) tables lifting results/index.html results/training_summary.txt
	$(BIN)/python -m snakemake --cores $(CORES) --report results/report.html tables lifting results/index.html
	@echo; for n in 1 2 3 4 5 6 7 8 9; do cat results/table$$n.md; echo; done; cat results/lifting.md; echo
	@echo "tables     results/table1.csv ... results/table9.csv, each with .md .tex .macros.tex .provenance.json"
	@echo "lifting    results/lifting.csv   results/lifting.md (does lifting lift?)"
	@echo "pages      results/index.html (to explore)  results/report.html (Snakemake's report)"
	@echo "runs       results/provenance.json (where every cell comes from)  results/run_times.csv"
	@$(ALL_LEARNT)

test: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# What `make test` leaves out: small workflows and trainings as a whole, most pairs of a benchmark and a backbone.
test-long: .venv/.ready
	$(ONE_THREAD) $(BIN)/python -m pytest -m long --numprocesses 2 --dist loadfile

# Long tests, many minutes each: DVC and Snakemake, remotes; kills, full disks, damaged inputs; a local Slurm (as root).
test-dvc test-faults: test-%: .venv/.ready
	$(ONE_THREAD) $(BIN)/python -m pytest tests/$* -rs --numprocesses 2 --dist worksteal

# 200 damaged inputs to every reader and command; `make test` gives each of them three.
FUZZ_INPUTS ?= 200
test-fuzz: .venv/.ready
	FUZZ_INPUTS=$(FUZZ_INPUTS) $(ONE_THREAD) $(BIN)/python -m pytest tests/fuzz --numprocesses 2 --dist worksteal

test-cluster: .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock 'snakemake-executor-plugin-slurm>=2.8,<3'
	$(BIN)/python -m pytest tests/slurm -rs

# Exact versions first, then the packages of this repository, in place.
.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than 3.11; run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Keeps the pins that pyproject.toml allows; `make lock UPGRADE=--upgrade` takes the newest versions of all packages.
lock:
	@command -v uv >/dev/null || { echo "error: uv not found; install it, it makes the lock file"; exit 2; }
	cp requirements.lock .requirements.lock.part
	uv pip compile --quiet pyproject.toml --extra test --universal --python-version 3.11 $(UPGRADE) \
	  --no-emit-index-url --no-header --no-annotate --output-file .requirements.lock.part
	{ echo "# Exact versions of everything. Made from pyproject.toml by 'make lock'."; cat .requirements.lock.part; } \
	  > .requirements.lock.new.part
	mv .requirements.lock.new.part requirements.lock
	rm .requirements.lock.part
