# Everything a developer does. `make help` lists it; nothing else has to be learnt or installed by hand.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMPS := target/stamps
RUST_SOURCES := $(shell find crates -name '*.rs' -o -name '*.sql' -o -name Cargo.toml) Cargo.toml Cargo.lock
UI_SOURCES := $(shell find ui/src ui/public -type f 2>/dev/null) ui/index.html ui/vite.config.ts ui/package-lock.json

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: build ## build everything, start Kestrel, record the example agent and print the page to open
	@scripts/run.sh

.PHONY: build
build: $(STAMPS)/tools-build engine target/release/kestrel $(STAMPS)/python-release ## build target/release/kestrel and .venv with caribou

.PHONY: test
test: $(STAMPS)/tools-test test-rust test-python test-ui test-e2e ## run every test there is

.PHONY: bench
bench: build $(STAMPS)/test-tools ## run the benchmarks and print figure, peer, ratio, budget
	@scripts/bench.sh

.PHONY: chaos
chaos: engine $(STAMPS)/python-debug $(STAMPS)/test-tools target/debug/kestrel ## 100 rounds of faults (ROUNDS=, SEED=, ONLY=) and what was lost: nothing
	cd tests && ../$(PYTHON) -m chaos --rounds $(or $(ROUNDS),100) --seed "$(SEED)" $(if $(ONLY),--only $(ONLY))

.PHONY: lint
lint: ui/node_modules/.stamp $(STAMPS)/test-tools ## check format, lints and types of all three languages
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	$(VENV)/bin/ruff check caribou examples tests && $(VENV)/bin/ruff format --check caribou examples tests
	npm --prefix ui run lint

.PHONY: test-rust
test-rust: engine ui/dist/index.html ## the tests of the Rust crates
	PROPTEST_RNG_SEED=4700 cargo test --workspace # the same cases each time; without a seed there are new ones

.PHONY: test-python
test-python: engine $(STAMPS)/python-debug $(STAMPS)/test-tools target/debug/kestrel ## the tests of the Python packages and of real clients
	$(PYTHON) -m pytest caribou/tests crates/kestrel-engine/tests/python crates/kestrel/tests/python

.PHONY: test-ui
test-ui: ui/dist/index.html ## the tests of the web pages against recorded answers
	npm --prefix ui test
	npm --prefix ui run e2e

.PHONY: test-e2e
test-e2e: engine $(STAMPS)/python-debug $(STAMPS)/test-tools target/debug/kestrel ui/dist/index.html ## program, server, store and browser together
	$(PYTHON) -m pytest tests

.PHONY: gen
gen: ## write the generated files again: OpenAPI document, API types, reference pages
	cargo run -q -p dev -- generate
	npm --prefix ui run gen

.PHONY: fmt
fmt: ## format the sources of all three languages
	cargo fmt --all
	$(VENV)/bin/ruff format caribou examples tests
	npm --prefix ui run format

.PHONY: engine
engine: ## fetch the engine library into the user's cache folder
	@scripts/install-engine.sh

.PHONY: clean
clean: ## remove everything that was built
	rm -rf target $(VENV) ui/node_modules ui/dist

$(STAMPS)/tools-%: scripts/require.sh
	@scripts/require.sh $*
	@mkdir -p $(@D) && touch $@

# The pages are part of the binary, so they come first.
target/release/kestrel: $(RUST_SOURCES) ui/dist/index.html
	cargo build --release -p kestrel
	@touch $@

target/debug/kestrel: $(RUST_SOURCES) ui/dist/index.html
	cargo build -p kestrel
	@touch $@

ui/node_modules/.stamp: ui/package-lock.json
	npm --prefix ui ci --no-audit --no-fund
	@touch $@

ui/dist/index.html: ui/node_modules/.stamp $(UI_SOURCES)
	npm --prefix ui run build
	@touch $@

$(PYTHON):
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade pip

$(STAMPS)/python-tools: $(PYTHON) requirements/run.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements/run.txt
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python-release: $(STAMPS)/python-tools $(RUST_SOURCES)
	. $(VENV)/bin/activate && cd caribou && maturin develop --quiet --release
	@rm -f $(STAMPS)/python-debug && touch $@

# A release build that is up to date serves the tests as well; building the other one takes its place.
$(STAMPS)/python-debug: $(STAMPS)/python-tools $(RUST_SOURCES)
	@if [ ! -e $(STAMPS)/python-release ] || [ -n "$$(find $(RUST_SOURCES) -newer $(STAMPS)/python-release)" ]; then \
	  rm -f $(STAMPS)/python-release && . $(VENV)/bin/activate && cd caribou && maturin develop --quiet; \
	fi
	@touch $@

$(STAMPS)/test-tools: $(STAMPS)/python-tools requirements/test.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@
