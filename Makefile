# Everything there is to do here. Each target installs or names what it needs by itself; see
# scripts/. SETUP=no forbids installing system packages.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# rustup's programs, where the shell that calls make does not know them.
export PATH := $(PATH):$(HOME)/.cargo/bin

ARGS ?=
LOCKED := $(if $(CI),--locked)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

.PHONY: help
help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start on data/alphanode.db with sample field notes
	@scripts/run $(ARGS)

.PHONY: migrate
migrate: ## Bring the database to the newest schema (ARGS="down", ARGS="status")
	@mkdir -p data
	@"$$(scripts/build)" migrate $(or $(ARGS),up)

.PHONY: test
test: ## Every test, on SQLite and PostgreSQL (ARGS="import" picks by name)
	@scripts/test $(ARGS)

.PHONY: check
check: check-format lint docs check-schema ## Format, lints, documentation, schema

.PHONY: check-format
check-format:
	@scripts/ensure-rust
	cargo fmt --all --check

.PHONY: lint
lint:
	@scripts/ensure-rust
	@scripts/ensure-compiler
	cargo clippy --workspace --all-targets $(LOCKED) -- -D warnings

# Private items are documented too, so a link to one is sound.
.PHONY: docs
docs:
	@scripts/ensure-rust
	@scripts/ensure-compiler
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --workspace --no-deps --document-private-items $(LOCKED)

.PHONY: check-schema
check-schema:
	@scripts/check-schema

.PHONY: format
format: ## Format the code
	@scripts/ensure-rust
	cargo fmt --all

.PHONY: schema
schema: ## Write schema.graphql
	@alphanode="$$(scripts/build)"; "$$alphanode" schema > schema.graphql.new; mv schema.graphql.new schema.graphql

.PHONY: bench
bench: ## Measure against hand-written SQL (ARGS="--help")
	@scripts/bench $(ARGS)

.PHONY: bench-growth
bench-growth: ## Measure few posts against a million (ARGS="--posts 200000")
	@scripts/bench-growth $(ARGS)

.PHONY: chaos
chaos: ## Kill processes over and over while they work (ARGS="imports")
	@scripts/chaos $(ARGS)

.PHONY: image
image: ## Build the container image
	docker build --build-arg VERSION='$(VERSION)' --build-arg COMMIT="$$(git rev-parse HEAD)" \
		--tag 'alphanode:$(VERSION)' --tag alphanode:latest .
