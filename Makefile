# ImageGate. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

POLICY := var/policy
BINARY := target/release/imagegate
# The tests that a machine could not run, a line each.
SKIPPED := $(CURDIR)/target/skipped.txt

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: run
run: $(POLICY)/policy.yaml ## Serve https://127.0.0.1:3000 with a policy to edit in var/policy
	cargo run --locked --quiet -- serve --self-signed --policy $(POLICY) \
	  --listen 127.0.0.1:3000 --admin-listen 127.0.0.1:8080

$(POLICY)/policy.yaml: config/policy/policy.yaml
	mkdir -p $(POLICY)
	cp config/policy.schema.json $(POLICY)/..
	cp --no-clobber $< $@
	touch $@

.PHONY: test
test: ## Run every test that needs nothing but the toolchain; ends with what it had to skip
	@mkdir -p target && rm -f $(SKIPPED); status=0; \
	IMAGEGATE_TEST_SKIPPED=$(SKIPPED) cargo test --locked || status=$$?; \
	touch $(SKIPPED); \
	echo "$$(wc -l <$(SKIPPED)) skipped$$(sort $(SKIPPED) | sed '1s/^/: /; 1!s/^/, /' | tr -d '\n')"; \
	exit $$status

.PHONY: demo
demo: ## The four known cases, a live edit, and the counters, in a few seconds
	cargo build --locked --quiet
	tests/demo.sh target/debug/imagegate

.PHONY: e2e
e2e: ## Every case on a real API server, from the folder that KUBEBUILDER_ASSETS names
	cargo build --locked --quiet
	IMAGEGATE_BINARY=target/debug/imagegate tests/e2e/run.sh

.PHONY: fmt
fmt: ## Format the code
	cargo fmt

.PHONY: lint
lint: ## Formatting, lints and documentation, all warnings refused
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items --quiet

.PHONY: deny
deny: ## Licences, bans and sources of what is depended on; advisories where they can be fetched
	cargo fetch --locked
	cargo deny --offline --locked check --hide-inclusion-graph bans licenses sources
	@if cargo deny --locked fetch db >/dev/null 2>&1; then \
	  cargo deny --locked check advisories; \
	else \
	  echo 'the advisory database cannot be reached; advisories are not checked'; \
	fi

.PHONY: build
build: $(BINARY) ## Build the release binary

.PHONY: $(BINARY)
$(BINARY):
	cargo build --locked --release

.PHONY: image
image: ## Build the container image imagegate:VERSION, with docker or with buildah
	deploy/image.sh

.PHONY: screenshots
screenshots: $(BINARY) ## Draw the logo and the screenshots of resources/, from real runs; a minute
	resources/screenshots.sh $(BINARY)

.PHONY: fuzz-smoke
fuzz-smoke: ## Fuzz each parser for a minute
	fuzz/run.sh 60

SOAK_SECONDS ?= 600

.PHONY: mutants
mutants: ## Change the code, expression by expression, and look which tests notice; hours
	tests/mutants.sh core
	tests/mutants.sh reload
	tests/mutants.sh limits

# The files of which the mutants, or a sample of them, have been run. Whoever scores another one adds it.
SCORED := image/* admission/{bounded,config_map,envelope,guard,label,namespace_edit,object,operation,overwritten,pod_spec,policy_edit,reach,response,review,strict,workload}.rs \
  policy/{evaluate,flip,glob,message,opt_out,pattern_index,registry_set,rules,subject,tag_set,verdict}.rs
SHARD ?= 0/10

.PHONY: mutants-slice
mutants-slice: ## A tenth of the mutants that have been run before, five minutes; SHARD=1/10 takes others
	tests/mutants.sh core --sharding round-robin --shard $(SHARD) \
	  $(foreach file,$(SCORED),--file '**/$(file)')

.PHONY: soak
soak: $(BINARY) ## Load for SOAK_SECONDS while policy and key pair change; needs wrk
	tests/soak/soak.py $(BINARY) $(SOAK_SECONDS) docs/soak.svg

.PHONY: sbom
sbom: ## Write the bill of materials, CycloneDX
	mkdir -p target
	deploy/sbom.py >target/imagegate.cdx.json

.PHONY: reproducible
reproducible: ## Build the release binary twice and compare
	tests/reproducible.sh

.PHONY: chart
chart: ## Check the manifests, the chart, the alerts and the dashboard
	tests/deploy/check.sh

.PHONY: check
check: lint deny test ## What must be green before a commit

.PHONY: bench
bench: ## What a decision costs, part by part; BENCH=generated picks some
	cargo bench --locked --bench micro -- $(BENCH)

.PHONY: instructions
instructions: ## Count the instructions of a decision against benches/instructions/baseline.tsv; needs valgrind
	binary=$$(CARGO_PROFILE_BENCH_LTO=off cargo bench --locked --bench instructions --no-run \
	  --target-dir target/instructions --message-format=json \
	  | sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p'); \
	python3 benches/instructions/guard.py "$$binary" $(INSTRUCTIONS)

.PHONY: load
load: ## A real load over TLS beside a do-nothing floor; LOAD='--sizes 2' picks some
	@# With the floor comes a webhook with the features of the tests, so that the real one is built last.
	floor=$$(cargo build --locked --release --bench floor --message-format=json \
	  | sed -n 's/.*"executable":"\([^"]*floor[^"]*\)".*/\1/p'); \
	cargo build --locked --release; \
	python3 benches/load/load.py --gate $(BINARY) --floor "$$floor" --output target/load $(LOAD)
