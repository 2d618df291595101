# One command each; `make run` and `make test` install what they need first.
# Options: PYTHON=python3.13 make run;  make run ARGS="--player_port 8080"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
PAGE := signalling/page/index.html
PACKAGES := signalling matchmaker stores rag ue5_config
SOURCES := $(PACKAGES) tests $(wildcard bench)
ARGS ?=
TESTS ?= tests
JOBS ?= logical

.PHONY: run test bench install page tools format lint types check fuzz live-check audit wheel lock clean help

help:  ## list the commands
	@sed -n 's/^\([a-z][a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: install page  ## a server, two synthetic streamers and the page; Ctrl-C ends it all
	@$(BIN)/python -m signalling demo $(ARGS)

# In as many processes as there are cores, shared out by tests/conftest.py; JOBS=0 runs all in this one.
test: install page check tools  ## quick checks, then every test
	@CHROMIUM="$$(scripts/test-tools.sh --chromium)" $(BIN)/python -m pytest $(TESTS) \
		--numprocesses=$(JOBS) --maxprocesses=4 --dist=loadgroup $(ARGS)

bench: install  ## CPU per message and handshake, memory per player, beside a bare forwarder
	@$(BIN)/python -m bench $(ARGS)

install: $(VENV)/.installed  ## .venv from locked versions

$(VENV)/.installed: requirements/lock.txt requirements/node.txt setup.cfg scripts/make-venv.sh scripts/make-node.sh
	@PYTHON="$(PYTHON)" scripts/make-venv.sh $(VENV)
	@scripts/make-node.sh $(VENV)
	@touch $@

page: $(PAGE)  ## build the page

$(PAGE): web/node_modules/.installed $(shell find web/src web/build.mjs -type f)
	@cd web && $(NPM) run --silent build
	@touch $@

web/node_modules/.installed: web/package-lock.json | $(VENV)/.installed
	@cd web && $(NPM) ci --silent --no-audit --no-fund
	@touch $@

tools:  ## what tests need beside Python: Chromium, Redis, coturn
	@scripts/test-tools.sh

check: lint types  ## everything that is quick
	@cd web && $(NPM) run --silent check && $(NPM) run --silent test

format: install  ## put the sources in shape
	@$(BIN)/ruff format $(SOURCES) && $(BIN)/ruff check --fix $(SOURCES)
	@cd web && $(NPM) run --silent format

lint: install page
	@$(BIN)/ruff format --check --quiet $(SOURCES) && $(BIN)/ruff check --quiet $(SOURCES)

types: install
	@$(BIN)/mypy

fuzz: install  ## a coverage-guided fuzzer on the parsers, for a minute
	@$(BIN)/python -m tests.hostile.fuzz_parsers -max_total_time=60 $(ARGS)

live-check: install  ## the contract tests against real OpenAI and Pinecone accounts, by keys in the environment
	@$(BIN)/python -m pytest tests/rag -m live $(ARGS)

audit: install page  ## known faults in what we depend on
	@$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements/serve.txt
	@cd web && $(NPM) audit --audit-level=high

wheel: page  ## a wheel with the page inside, in dist/
	@rm -rf build  # what was removed from the sources would come back from there
	@$(BIN)/python -m build --wheel

lock: install  ## resolve the versions in requirements/lock.txt again
	@scripts/lock.sh $(BIN)

clean:  ## remove everything that was made
	@rm -rf $(VENV) web/node_modules signalling/page build dist *.egg-info
