# Threadline's workshop: `make` lists what it can do. It needs make and Python 3.11 or newer, and fetches the rest.

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
UV_FLAGS :=
BIN := .venv/bin
PIP = $(UV) pip
INTO := --quiet --python $(BIN)/python
SYNC = $(PIP) sync $(INTO) --require-hashes --only-binary :all: $(UV_FLAGS)
COMPILE = $(PIP) compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	--no-annotate --extra slack --extra discord --extra sandbox --extra files --extra local \
	--group build
# Local embeddings are large, and for those who ask for them.
DEV := --extra embeddings --group dev
# For those who want it beside the rest: all that is needed by SANDBOX=wasi, at the versions of the others.
COMPILE_WASM = $(PIP) compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	--no-annotate --extra sandbox-wasm --constraint requirements.lock
# A development environment holds everything that running needs: once it is there, `make run` uses it.
FOR_RUN := .venv/installed-$(if $(wildcard .venv/installed-dev),dev,run)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test check proof chaos soak sim bench lock docs gallery lint locks

help:  ## What the workshop can do
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: $(FOR_RUN)  ## Set up once, start Threadline, print the address of its page
	@exec $(BIN)/threadline run

# Most tests wait for programs more than they compute: several at once fit on two processors.
JOBS := 5

test: lint node_modules/.installed  ## All that lint looks at, and every test
	$(BIN)/pytest -n $(JOBS) --dist loadfile

check: lint locks  ## What must hold without the tests: lint, the lock files, the repository
	$(BIN)/pytest -q tests/workshop

proof: .venv/installed-wasm node_modules/.installed  ## The long proofs
	$(BIN)/pytest -m proof --ignore tests/tools
	$(BIN)/pytest -m proof -n 2 tests/tools
	WORDS_CASES=1500 $(BIN)/pytest -n $(JOBS) --timeout 1800 tests/words tests/slack/test_render.py tests/discord/test_render.py

TURNS := 20000
SEED := 1

chaos: .venv/installed-dev  ## Everything goes wrong for TURNS=20000 turns by SEED=1, then every effect is audited
	$(BIN)/python -m tests.proofs.chaos --turns $(TURNS) --seed $(SEED)

soak: .venv/installed-dev  ## TURNS=20000 turns on both platforms; memory, tasks and file handles stay flat
	$(BIN)/python -m tests.proofs.soak --turns $(TURNS)

sim: .venv/installed-dev  ## Play: Threadline beside a simulated Slack and Discord, nothing to sign up for
	@exec $(BIN)/python -m tests.simulators

BENCH := turns bots connector service words tools search

bench: .venv/installed-dev  ## The measurements under bench/, each against something else in the same run (BENCH=turns for one)
	@set -e; for name in $(BENCH); do echo "== $$name"; $(BIN)/python -m bench.$$name; done

lock: | $(UV)  ## Write the lock files anew from pyproject.toml (UPGRADE=--upgrade for the newest of everything)
	$(COMPILE) $(UPGRADE) -o requirements.lock
	$(COMPILE) $(UPGRADE) $(DEV) -o requirements-dev.lock
	$(COMPILE_WASM) -o requirements-wasm.lock

docs: .venv/installed-dev  ## Write docs/settings.md and .env.example anew from bot/settings.py
	$(BIN)/python docs/generate.py

gallery: .venv/installed-dev  ## Write docs/gallery.html: hard samples as every platform shows them
	$(BIN)/python docs/gallery.py

lint: .venv/installed-dev  ## Style, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy docs/examples/*.py
	$(BIN)/lint-imports

# Compiling keeps every pinned version that still fits, so a difference means that pyproject.toml has moved on.
locks: | $(UV)
	@mkdir -p .cache && cp requirements.lock requirements-dev.lock requirements-wasm.lock .cache/
	@if $(COMPILE) -o .cache/requirements.lock 2>.cache/lock-errors >/dev/null && \
		$(COMPILE) $(DEV) -o .cache/requirements-dev.lock 2>.cache/lock-errors >/dev/null && \
		$(COMPILE_WASM) -o .cache/requirements-wasm.lock 2>.cache/lock-errors >/dev/null; then \
		cmp -s requirements.lock .cache/requirements.lock && \
		cmp -s requirements-dev.lock .cache/requirements-dev.lock && \
		cmp -s requirements-wasm.lock .cache/requirements-wasm.lock && echo "The lock files are up to date." || \
		{ echo "The lock files are behind pyproject.toml: run make lock." >&2; exit 1; }; \
	elif grep -qiE 'failed to (fetch|download)|error sending request' .cache/lock-errors; then \
		echo "The lock files were not compared with pyproject.toml: the package registry cannot be reached."; \
	else cat .cache/lock-errors >&2; exit 1; fi

# Only tests read from it; without npm those say so and are left out.
node_modules/.installed: package-lock.json
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "The CommonMark examples are left out: they come by npm, which is not here."; fi

.venv/installed-run: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)

.venv/installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)

# The proofs try every sandbox; whatever installs the rest anew takes this one away.
.venv/installed-wasm: requirements-wasm.lock .venv/installed-dev
	@echo "Adding $< …"
	@$(PIP) install $(INTO) --require-hashes --only-binary :all: $(UV_FLAGS) -r $<
	@touch $@

# Some systems (musl, old C libraries) have no wheel of the runtimes of models; everything else must not wait for them.
define install
@echo "Setting up .venv from $(1) …"
@$(SYNC) $(1) 2>.venv/errors || { \
	grep -qE '(xllamacpp|onnxruntime).*no usable wheels' .venv/errors || { cat .venv/errors >&2; exit 1; }; \
	sed -E '/^(xllamacpp|onnxruntime)==/,/[^\\]$$/d' $(1) >.venv/without-demo-model.lock; \
	$(SYNC) .venv/without-demo-model.lock && \
	echo "Small talk is left out: its runtime, xllamacpp, has no wheel for this system. All else works."; }
@$(PIP) install $(INTO) --no-deps --no-build-isolation --editable .
@touch $@
endef

$(BIN)/python: | $(UV)
	@rm -rf .venv
	@$(UV) venv --quiet --python '>=3.11' .venv || { \
		echo "Threadline needs Python 3.11 or newer: install it and run make again." >&2; exit 1; }

.uv/bin/uv:
	@echo "Fetching uv $(UV_VERSION), which installs everything else …"
	@python3 -m venv .uv >/dev/null 2>&1 && .uv/bin/pip install --quiet --only-binary :all: uv==$(UV_VERSION) || \
		{ rm -rf .uv; python3 -m pip install --quiet --only-binary :all: --target .uv uv==$(UV_VERSION); } || \
		{ rm -rf .uv; echo "uv could not be fetched with python3 and pip: see above, or install uv yourself" \
		"(docs.astral.sh/uv) and run make again." >&2; exit 1; }
