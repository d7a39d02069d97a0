# `make` lists the commands. They need make and Python 3.11 or newer, and install the rest into this folder.

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
# Local embeddings are large, so `make run` leaves them out.
DEV := --extra embeddings --group dev
# What SANDBOX=wasi needs in addition, at the same versions as the rest.
COMPILE_WASM = $(PIP) compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	--no-annotate --extra sandbox-wasm --constraint requirements.lock
# A development environment contains everything that running needs: once it exists, `make run` uses it.
FOR_RUN := .venv/installed-$(if $(wildcard .venv/installed-dev),dev,run)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test check proof chaos soak sim bench lock docs gallery lint locks

help:  ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: $(FOR_RUN)  ## Start Threadline and print the address of its page; the first run installs everything
	@exec $(BIN)/threadline run

# Most tests wait more than they compute, so that several run at once on two processors.
JOBS := 5

test: lint node_modules/.installed  ## Run lint, then every test except the long ones
	$(BIN)/pytest -n $(JOBS) --dist loadfile

check: lint locks  ## Run lint, compare the lock files, check the repository itself
	$(BIN)/pytest -q tests/workshop

proof: .venv/installed-wasm node_modules/.installed  ## Run the long tests
	$(BIN)/pytest -m proof --ignore tests/tools
	$(BIN)/pytest -m proof -n 2 tests/tools
	WORDS_CASES=1500 $(BIN)/pytest -n $(JOBS) --timeout 1800 tests/words tests/slack/test_render.py tests/discord/test_render.py

TURNS := 20000
SEED := 1

chaos: .venv/installed-dev  ## Fault-injection run (TURNS=20000 SEED=1), then an audit of every message
	$(BIN)/python -m tests.proofs.chaos --turns $(TURNS) --seed $(SEED)

soak: .venv/installed-dev  ## Long run (TURNS=20000) that checks whether memory, tasks or file handles grow
	$(BIN)/python -m tests.proofs.soak --turns $(TURNS)

sim: .venv/installed-dev  ## Start Threadline with a simulated Slack and Discord; no account needed
	@exec $(BIN)/python -m tests.simulators

BENCH := turns bots connector service words tools search

bench: .venv/installed-dev  ## Run the benchmarks under bench/ (BENCH=turns runs one of them)
	@set -e; for name in $(BENCH); do echo "== $$name"; $(BIN)/python -m bench.$$name; done

lock: | $(UV)  ## Update the lock files from pyproject.toml (UPGRADE=--upgrade takes the newest versions)
	$(COMPILE) $(UPGRADE) -o requirements.lock
	$(COMPILE) $(UPGRADE) $(DEV) -o requirements-dev.lock
	$(COMPILE_WASM) -o requirements-wasm.lock

docs: .venv/installed-dev  ## Generate docs/settings.md and .env.example from bot/settings.py
	$(BIN)/python docs/generate.py

gallery: .venv/installed-dev  ## Generate docs/gallery.html: difficult Markdown samples as every platform shows them
	$(BIN)/python docs/gallery.py

lint: .venv/installed-dev  ## Check style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy docs/examples/*.py
	$(BIN)/lint-imports

# Compiling keeps every pinned version that still fits, so a difference means that pyproject.toml has changed.
locks: | $(UV)
	@mkdir -p .cache && cp requirements.lock requirements-dev.lock requirements-wasm.lock .cache/
	@if $(COMPILE) -o .cache/requirements.lock 2>.cache/lock-errors >/dev/null && \
		$(COMPILE) $(DEV) -o .cache/requirements-dev.lock 2>.cache/lock-errors >/dev/null && \
		$(COMPILE_WASM) -o .cache/requirements-wasm.lock 2>.cache/lock-errors >/dev/null; then \
		cmp -s requirements.lock .cache/requirements.lock && \
		cmp -s requirements-dev.lock .cache/requirements-dev.lock && \
		cmp -s requirements-wasm.lock .cache/requirements-wasm.lock && echo "The lock files are up to date." || \
		{ echo "The lock files do not match pyproject.toml: run make lock." >&2; exit 1; }; \
	elif grep -qiE 'failed to (fetch|download)|error sending request' .cache/lock-errors; then \
		echo "The lock files were not compared with pyproject.toml: the package registry cannot be reached."; \
	else cat .cache/lock-errors >&2; exit 1; fi

# Only tests need it; without npm they are skipped, and say so.
node_modules/.installed: package-lock.json
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "The CommonMark examples are left out: they need npm, which is not installed."; fi

.venv/installed-run: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)

.venv/installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)

# The proofs try every sandbox. Reinstalling the rest removes this one.
.venv/installed-wasm: requirements-wasm.lock .venv/installed-dev
	@echo "Adding $< …"
	@$(PIP) install $(INTO) --require-hashes --only-binary :all: $(UV_FLAGS) -r $<
	@touch $@

# Some systems (musl, old C libraries) have no wheel of the model runtimes; install everything else there.
define install
@echo "Setting up .venv from $(1) …"
@$(SYNC) $(1) 2>.venv/errors || { \
	grep -qE '(xllamacpp|onnxruntime).*no usable wheels' .venv/errors || { cat .venv/errors >&2; exit 1; }; \
	sed -E '/^(xllamacpp|onnxruntime)==/,/[^\\]$$/d' $(1) >.venv/without-demo-model.lock; \
	$(SYNC) .venv/without-demo-model.lock && \
	echo "Small talk is left out: its runtime, xllamacpp, has no wheel for this system. Everything else works."; }
@$(PIP) install $(INTO) --no-deps --no-build-isolation --editable .
@touch $@
endef

$(BIN)/python: | $(UV)
	@rm -rf .venv
	@$(UV) venv --quiet --python '>=3.11' .venv || { \
		echo "Threadline needs Python 3.11 or newer. Install it, then run make again." >&2; exit 1; }

.uv/bin/uv:
	@echo "Downloading uv $(UV_VERSION), which installs everything else …"
	@python3 -m venv .uv >/dev/null 2>&1 && .uv/bin/pip install --quiet --only-binary :all: uv==$(UV_VERSION) || \
		{ rm -rf .uv; python3 -m pip install --quiet --only-binary :all: --target .uv uv==$(UV_VERSION); } || \
		{ rm -rf .uv; echo "uv could not be downloaded with python3 and pip (see above). Install uv yourself" \
		"(docs.astral.sh/uv), then run make again." >&2; exit 1; }
