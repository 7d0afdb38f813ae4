# Everything a developer does here. Tools that the tests and checks need, beside those that `make doctor` asks for, are
# built from package registries into a cache outside the repository.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export FLINK_RETENTION_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/flink-retention

# In CI the lock file is law; at home a changed Cargo.toml may still change it.
LOCKED := $(if $(CI),--locked)

# Programs are built with the whole workspace and then run directly: `cargo run` would build them once more, with the
# features that they alone need, and wait for a compiler that it is to run beside.
BUILT = $(shell cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
PROGRAMS = $(BUILT)/debug

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(FLINK_RETENTION_CACHE)/cargo-deny/$(CARGO_DENY_VERSION)

CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(FLINK_RETENTION_CACHE)/cargo-fuzz/$(CARGO_FUZZ_VERSION)
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(FLINK_RETENTION_CACHE)/cargo-mutants/$(CARGO_MUTANTS_VERSION)

# Tests start real servers and Java processes (up to a gigabyte each), so more cores do not mean more tests at once.
export RUST_TEST_THREADS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n : 4)))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## See it work in a minute on a real API server (needs Rust and Go); KEEP=1 leaves it running
	@$(MAKE) --jobs=2 servers programs
	@$(PROGRAMS)/demo

.PHONY: test
test: ## Run every test, on real servers and real Flink (needs also a JDK, Maven and Node.js)
	@$(MAKE) --jobs=2 tools test-programs
	@cargo test $(LOCKED) --workspace --no-fail-fast

.PHONY: bench
bench: ## Measure speed and memory (optimised build)
	@cargo bench $(LOCKED) --workspace

N ?= 100000
SEED ?= 0

.PHONY: simulate
simulate: ## Play N simulated histories from SEED on (an optimised build): make simulate N=1000000
	@cargo run --quiet --release $(LOCKED) -p simulation --bin simulate -- $(N) --seed $(SEED)

SECONDS ?= 60
TARGETS ?= metadata ha_values flink_resources rest_answers journal

# Without a sanitizer: those need a nightly compiler, and there is no unsafe code of ours to watch. What is found new is
# left beside the build; each run begins there and with the small files in fuzz/corpus.
.PHONY: fuzz
fuzz: export CARGO_PROFILE_RELEASE_LTO := off
fuzz: export CARGO_PROFILE_RELEASE_STRIP := none
fuzz: export CARGO_PROFILE_RELEASE_DEBUG := line-tables-only
fuzz: $(CARGO_FUZZ)/bin/cargo-fuzz ## Make up input for each boundary: make fuzz SECONDS=600 TARGETS=journal
	@command -v c++ >/dev/null || { echo "make fuzz: no c++, of which libFuzzer is made; apt-get install g++" >&2; exit 1; }
	@built=$(BUILT); for target in $(TARGETS); do \
		mkdir -p $$built/fuzz/$$target; \
		PATH="$(CARGO_FUZZ)/bin:$$PATH" cargo fuzz run --sanitizer none --features libfuzzer $$target \
			$$built/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1; \
	done

$(CARGO_FUZZ)/bin/cargo-fuzz:
	@echo "building cargo-fuzz $(CARGO_FUZZ_VERSION), once; this takes about a minute" >&2
	@cargo install --quiet --locked cargo-fuzz --version $(CARGO_FUZZ_VERSION) --root $(CARGO_FUZZ)

# Whatever of crates/retention/src is given here must be held by the tests of that crate alone.
MUTATED ?= guard/** keep/** reference/**

.PHONY: mutants
mutants: $(CARGO_MUTANTS)/bin/cargo-mutants ## Break the core rule by rule; a test must notice (an hour): make mutants MUTATED="breaker.rs"
	@PATH="$(CARGO_MUTANTS)/bin:$$PATH" cargo mutants --package retention --output $(BUILT) \
		$(foreach part,$(MUTATED),--file 'crates/retention/src/$(part)')

$(CARGO_MUTANTS)/bin/cargo-mutants:
	@echo "building cargo-mutants $(CARGO_MUTANTS_VERSION), once; this takes about two minutes" >&2
	@cargo install --quiet --locked cargo-mutants --version $(CARGO_MUTANTS_VERSION) --root $(CARGO_MUTANTS)

SCENES ?=

.PHONY: real-flink
real-flink: tools ## Play every scene with real Flink (an hour and a half), or some: make real-flink SCENES="2.3.0, ForSt"
	@SCENES="$(SCENES)" cargo test --quiet $(LOCKED) --test real_flink every_scene -- --ignored --nocapture

STORY ?=

.PHONY: real-cluster
real-cluster: ## Install the chart in a cluster with pods (root, containerd), or in that of KUBECONFIG: docs/real-cluster.md
	@cargo test --quiet $(LOCKED) --test real_cluster -- --ignored --nocapture $(STORY)

.PHONY: cluster
cluster: prepare ## Open a shell in an empty cluster with pods (root, containerd), which ends with it
	@cargo build --quiet $(LOCKED) -p testbed --bin cluster
	@$(PROGRAMS)/cluster

PICTURE := docs/pictures/job-manager-kills

.PHONY: picture
picture: tools ## Measure anew what killed JobManagers leave, and draw it for the README (seven minutes)
	@TABLE=$(abspath $(PICTURE).csv) cargo test --quiet $(LOCKED) --test real_flink the_headline -- --ignored
	@$(MAKE) drawing

# Apart from `test`: a browser is half a gigabyte, and the page changes seldom.
.PHONY: browser
browser: ## Look at the page of `report` in a real browser: light, dark, phone, paper (needs Chromium; seconds)
	@command -v chromium >/dev/null || { echo "make browser: no chromium; apt-get install chromium fonts-dejavu-core" >&2; exit 1; }
	@cargo test --quiet $(LOCKED) --test browser -- --ignored --nocapture

.PHONY: drawing
drawing: programs
	@$(PROGRAMS)/picture $(PICTURE).csv $(PICTURE).svg

.PHONY: check
check: format lint deny each-crate generated ## Check format, lints, dependencies, each crate alone, generated files

.PHONY: format
format:
	@cargo fmt --all --check

.PHONY: lint
lint:
	@cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings

.PHONY: deny
deny: $(CARGO_DENY)/bin/cargo-deny
	@$< --log-level error check --hide-inclusion-graph bans licenses sources

# Apart from `check`: it fetches a Git repository, which needs free access to the Internet, and its verdict changes
# while the code does not. The GitHub workflow runs it.
.PHONY: advisories
advisories: $(CARGO_DENY)/bin/cargo-deny
	@$< --log-level error check advisories

$(CARGO_DENY)/bin/cargo-deny:
	@echo "building cargo-deny $(CARGO_DENY_VERSION), once; this takes about two minutes" >&2
	@cargo install --quiet --locked cargo-deny --version $(CARGO_DENY_VERSION) --root $(CARGO_DENY)

.PHONY: each-crate
each-crate: # Built together, a crate can live on features that another one asked for.
	@for manifest in crates/*/Cargo.toml Cargo.toml; do \
		echo "cargo check of $$manifest alone"; \
		cargo check --quiet $(LOCKED) --manifest-path $$manifest; \
	done

.PHONY: generate
generate: programs ## Write the files that are made from code: definitions, references in docs, the chart's README
	@$(PROGRAMS)/flink-retention crds --directory crds
	@$(PROGRAMS)/flink-retention crds --directory charts/flink-retention-operator/files/crds
	@UPDATE_GENERATED=1 cargo test --quiet $(LOCKED) --test generated
	@UPDATE_README=1 cargo test --quiet $(LOCKED) --test chart readme

.PHONY: generated
generated:
	@cargo test --quiet $(LOCKED) --workspace --test generated

MDBOOK_VERSION := 0.5.4
MDBOOK := $(FLINK_RETENTION_CACHE)/mdbook/$(MDBOOK_VERSION)

.PHONY: docs
docs: $(MDBOOK)/bin/mdbook ## Make a book of docs, in the build directory
	@.ci/book $< $(BUILT)/book

$(MDBOOK)/bin/mdbook:
	@echo "building mdbook $(MDBOOK_VERSION), once; this takes one to two minutes" >&2
	@cargo install --quiet --locked mdbook --version $(MDBOOK_VERSION) --no-default-features --features search --root $(MDBOOK)

.PHONY: tools
tools: prepare ## Build the servers and clients that the tests run, into the cache
	@$(PROGRAMS)/prepare kubernetes helm flink stores prometheus

.PHONY: servers
servers: prepare
	@$(PROGRAMS)/prepare kubernetes

.PHONY: prepare
prepare:
	@cargo build $(LOCKED) --workspace --bin prepare

.PHONY: programs
programs: prepare
	@cargo build $(LOCKED) --workspace --bins

.PHONY: test-programs
test-programs: prepare
	@cargo test $(LOCKED) --workspace --no-run

.PHONY: doctor
doctor: ## Say what this machine lacks, and how to install it
	@.ci/doctor

.PHONY: clean
clean: ## Remove the build directory and the cache
	@cargo clean
	@rm -rf "$(FLINK_RETENTION_CACHE)"
