# Every target does its own set-up; its last line is its figure.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
AZ_VERSIONS := 2.48.1 2.91.0
# Tests that need an az installation, or many minutes, stand in .ci/run.
QUICK := not az and not slow

.PHONY: simulate simulate-bugs soak mutation demo test lint golden wheel rules bench record az-env az clients-env clients crash kills ci clean parity failover

$(READY): setup.py pyproject.toml
	@echo "Setting up $(VENV) (once; packages from PyPI) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[test]'
	@touch $(READY)

demo: $(READY)  ## the tutorial on the embedded emulator
	@$(PY) tools/demo.py

test: $(READY)  ## the quick tests
	@$(PY) -m pytest -q -n 3 --dist worksteal -m "$(QUICK)" tests

lint: $(READY)  ## ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

rules: $(READY)  ## each rule with its tests, each mutant caught
	@$(PY) tools/rules.py

golden: $(READY)  ## recordings of the real service, replayed both ways, with their counts
	@$(PY) -m pytest -q -s tests/golden

wheel: $(READY)  ## dist/*.whl, the extension for az
	@rm -rf build dist
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

az-env: $(READY)  ## unmodified az of both tested versions, under .az
	@printf '%s\n' $(AZ_VERSIONS) | xargs -n 1 -P 2 $(PY) tools/az_env.py

az: az-env wheel  ## the extension inside both az versions
	@MHSMREGION_REQUIRE_AZ=1 $(PY) -m pytest -q -n 2 --dist worksteal -m "az" tests

crash: $(READY)  ## every failpoint and 100 random kills
	@MHSMREGION_CRASH_KILLS=100 $(PY) -m pytest -q -s tests/crash

kills: $(READY)  ## 200 SIGKILLs of a server that takes writes
	@$(PY) -m pytest -q -s -m slow tests/service

clients-env: $(READY)  ## the official management SDKs of four languages, under .clients
	@$(PY) tools/debian.py dig=bind9-dnsutils ip=iproute2 curl=curl unshare=util-linux
	@$(PY) tests/clients/setup.py

clients: clients-env  ## unmodified management clients against the emulator
	@MHSMREGION_REQUIRE_CLIENTS=1 $(PY) -m pytest -q -n 2 --dist worksteal -m "not az" tests/clients tests/docs tests/dns tests/drill tests/failover

WRITE ?= --write
failover: $(READY)  ## the document's failover table, from an SDK client's own log; into docs/ unless WRITE=
	@$(PY) tests/clients/setup.py python
	@$(PY) tools/failover.py $(WRITE)

bench: az-env wheel  ## ratios that README quotes
	@$(PY) tools/bench.py
	@$(PY) tools/bench_service.py
	@$(PY) tools/bench_regions.py

record: $(READY)  ## record the cassettes anew against the emulator's socket
	@$(PY) -m pytest -q tests/playback --record emulator

SEEDS ?= 1
STEPS ?= 1000000
simulate: $(READY)  ## each bug put in is found; STEPS simulated steps from SEEDS on, every rule after every step
	@$(PY) -m pytest -q -n 2 -m slow tests/simulation
	@$(PY) tools/simulate.py --seed $(SEEDS) --steps $(STEPS) --processes 2 --figures

simulate-bugs: $(READY)  ## the simulation finds each bug of tests/simulation/bugs.toml
	@$(PY) tools/simulate.py --bugs --processes 2

mutation: $(READY)  ## mutmut on the modules of replication and routing; survivors stand in tests/survivors.toml
	@$(PY) tools/mutation.py

SOAK_STEPS ?= 10000000
soak: $(READY)  ## the long forms: ten million steps from the same seeds, 2,000 random kills, every mutant
	@$(MAKE) simulate STEPS=$(SOAK_STEPS)
	@MHSMREGION_CRASH_KILLS=2000 $(PY) -m pytest -q -s tests/crash
	@$(MAKE) mutation

ci:  ## everything that must pass before anything lands
	@bash .ci/run

clean:
	@rm -rf build dist $(VENV) .az .clients .bench .mutation *.egg-info

parity: $(READY)  ## docs/parity.md against SDKs and routers; each route switched off once
	@$(PY) tests/clients/setup.py python
	@$(PY) tools/parity.py
