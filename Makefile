# ImageGate. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

POLICY := var/policy
TARGET := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(TARGET)/release/imagegate
PLUGIN := $(TARGET)/release/kubectl-imagegate
COMPLETE := crates/kubectl-imagegate/kubectl_complete-imagegate
DEBUG_BINARY := $(TARGET)/debug/imagegate
DEBUG_PLUGIN := $(TARGET)/debug/kubectl-imagegate
# With the features that the whole workspace asks for, so that the targets below share one build.
BUILD := cargo build --locked --workspace
# And with those of the dev-dependencies, which examples ask for: shared with `cargo test`.
BUILD_ALL := $(BUILD) --bins --example manual --example plugin_manual
# The tests run it from elsewhere.
MAKEFILE_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
PREFIX ?= $(HOME)/.local
# The tests that a machine could not run, a line each.
SKIPPED := $(CURDIR)/target/skipped.txt

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: run
run: $(POLICY)/policy.yaml ## Serve https://127.0.0.1:3000 with the policy in var/policy, to edit while it runs
	$(BUILD) --bin imagegate
	$(DEBUG_BINARY) serve --self-signed --policy $(POLICY) \
	  --listen 127.0.0.1:3000 --admin-listen 127.0.0.1:8080 --operator-listen 127.0.0.1:8081

$(POLICY)/policy.yaml: config/policy/policy.yaml
	mkdir -p $(POLICY)
	cp config/policy.schema.json $(POLICY)/..
	cp --no-clobber $< $@
	touch $@

.PHONY: console
console: ## Look at two gates with sample traffic in the browser: `kubectl imagegate console`; CONSOLE=--no-browser
	$(BUILD) --bin imagegate --bin kubectl-imagegate
	tests/console/run.sh $(DEBUG_BINARY) $(DEBUG_PLUGIN) $(CONSOLE)

.PHONY: playground
playground: ## Serve the playground on this machine, as any static server does: http://127.0.0.1:8000
	python3 -m http.server --bind 127.0.0.1 --directory docs/playground 8000

.PHONY: console-check
console-check: ## Check the pages of the console, and that their sources build the committed files; needs npm
	console/check.sh

.PHONY: console-test
console-test: ## Try the console in a real browser; needs chromium, and `make console-check` before it
	$(BUILD_ALL)
	tests/console/test.sh $(DEBUG_BINARY) $(DEBUG_PLUGIN) $(PICTURES)

PLAYGROUND_WASM := docs/playground/imagegate.wasm

.PHONY: playground-wasm
playground-wasm: ## Build the module of the playground, which is committed
	mkdir -p $(dir $(PLAYGROUND_WASM))
	crates/playground/build.sh $(PLAYGROUND_WASM)

.PHONY: playground-check
playground-check: ## Build the module of the playground anew and compare its bytes, or by another compiler what it says
	crates/playground/check.sh

.PHONY: test
test: ## Run every test that needs nothing but the toolchain; ends with what it had to skip
	@mkdir -p target && rm -f $(SKIPPED); status=0; \
	IMAGEGATE_TEST_SKIPPED=$(SKIPPED) cargo test --locked --workspace || status=$$?; \
	touch $(SKIPPED); \
	echo "$$(wc -l <$(SKIPPED)) skipped$$(sort $(SKIPPED) | sed '1s/^/: /; 1!s/^/, /' | tr -d '\n')"; \
	exit $$status

.PHONY: demo
demo: ## Show the four known cases, a live edit, a bad edit and the counters; seconds, once built
	$(BUILD) --bin imagegate
	tests/demo.sh $(DEBUG_BINARY)

# Completions and man pages, made of the command line itself.
MANUAL := target/manual

.PHONY: manual
manual: ## Write completions and man pages into target/manual
	rm -rf $(MANUAL)
	$(BUILD_ALL)
	$(TARGET)/debug/examples/manual $(MANUAL)
	$(TARGET)/debug/examples/plugin_manual $(MANUAL)

.PHONY: install
install: $(BINARY) $(PLUGIN) manual ## Install the binaries, man pages and completions below PREFIX, ~/.local by default
	@prefix=$(patsubst ~%,$(HOME)%,$(PREFIX)); bin=$$prefix/bin; share=$$prefix/share; \
	install -D --mode=755 $(BINARY) "$$bin/imagegate"; \
	install -D --mode=755 $(PLUGIN) "$$bin/kubectl-imagegate"; \
	install -D --mode=755 $(MAKEFILE_DIR)$(COMPLETE) "$$bin/kubectl_complete-imagegate"; \
	install -D --mode=644 --target-directory="$$share/man/man1" $(MANUAL)/man/*.1; \
	install -D --mode=644 $(MANUAL)/completions/imagegate.bash \
	  "$$share/bash-completion/completions/imagegate"; \
	install -D --mode=644 --target-directory="$$share/zsh/site-functions" \
	  $(MANUAL)/completions/_imagegate; \
	install -D --mode=644 --target-directory="$$share/fish/vendor_completions.d" \
	  $(MANUAL)/completions/imagegate.fish; \
	echo "installed $$("$$bin/imagegate" --version) as $$bin/imagegate"; \
	echo "installed $$("$$bin/kubectl-imagegate" --version) as $$bin/kubectl-imagegate"; \
	case ":$$PATH:" in \
	  *":$$bin:"*) ;; \
	  *) echo "$$bin is not in PATH; run: export PATH=\"$$bin:\$$PATH\"" ;; \
	esac

.PHONY: e2e
e2e: ## Run every case on a real API server, from the folder that KUBEBUILDER_ASSETS names
	$(BUILD_ALL)
	IMAGEGATE_BINARY=$(DEBUG_BINARY) tests/e2e/run.sh

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: lint
lint: ## Check formatting, lints and documentation; a warning is an error
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items --quiet

.PHONY: deny
deny: ## Check licences, bans and sources of the dependencies, and advisories if they can be fetched
	cargo fetch --locked
	cargo deny --offline --locked check --hide-inclusion-graph bans licenses sources
	@if cargo deny --locked fetch db >/dev/null 2>&1; then \
	  cargo deny --locked check advisories; \
	else \
	  echo 'the advisory database is out of reach: advisories are not checked'; \
	fi

.PHONY: build
build: $(BINARY) ## Build the release binary

.PHONY: $(BINARY)
$(BINARY):
	cargo build --locked --release

# By itself: built in one go with the binary, each would have the features that the other asks for.
.PHONY: $(PLUGIN)
$(PLUGIN):
	cargo build --locked --release --package kubectl-imagegate

.PHONY: image
image: ## Build the container image imagegate:VERSION, with docker or with buildah
	deploy/image.sh

.PHONY: screenshots
screenshots: $(BINARY) $(PLUGIN) ## Draw the logo and the screenshots in resources/ from real runs; PICTURES=plugin selects some
	resources/screenshots.sh $(BINARY) $(PICTURES)

.PHONY: fuzz-smoke
fuzz-smoke: ## Fuzz each parser for a minute
	fuzz/run.sh 60

SOAK_SECONDS ?= 600

REQUESTS ?= 100000

.PHONY: floor
floor: ## Compare `export vap` with the gate over REQUESTS requests, by two implementations of CEL; needs cel-python
	@mkdir -p target
	IMAGEGATE_FLOOR_REQUESTS=$(REQUESTS) IMAGEGATE_FLOOR_CORPUS=$(CURDIR)/target/floor.jsonl \
	  cargo test --locked --package imagegate-core --test floor a_floor_never -- --nocapture
	tests/deploy/floor.py target/floor.jsonl $(PER_POLICY)

.PHONY: mutants
mutants: ## Change the code, expression by expression, and look which tests notice; hours
	tests/mutants.sh core
	tests/mutants.sh reload
	tests/mutants.sh limits

# The files of which the mutants, or a sample of them, have been run. Whoever scores another one adds it.
SCORED := image/* admission/{bounded,config_map,envelope,guard,label,namespace_edit,object,operation,overwritten,pod_spec,policy_edit,reach,response,review,strict,workload}.rs \
  policy/judge/{evaluate,message,opt_out,rules,subject,verdict}.rs policy/normal/flip.rs \
  policy/pattern/{glob,index,registry_set,tag_set}.rs
SHARD ?= 0/20

.PHONY: mutants-slice
mutants-slice: ## A twentieth of the mutants that have been run before, minutes; SHARD=1/20 takes others
	tests/mutants.sh core --sharding round-robin --shard $(SHARD) \
	  $(foreach file,$(SCORED),--file '**/$(file)')

.PHONY: formats
formats: ## Have every output format judged by validators that others wrote; needs npm and xmllint
	tests/formats.sh

.PHONY: soak
soak: $(BINARY) ## Load the webhook for SOAK_SECONDS while policy and certificate change; needs wrk
	tests/soak/soak.py $(BINARY) $(SOAK_SECONDS) docs/soak.svg

.PHONY: soak-images
soak-images: $(BINARY) ## Ask for a million different images, for SOAK_SECONDS at least; needs wrk
	tests/soak/images.py $(BINARY) 1000000 $(SOAK_SECONDS)

SIEGE_SECONDS ?= 60

.PHONY: siege
siege: $(BINARY) ## Attack the release binary in every way at once for SIEGE_SECONDS
	IMAGEGATE_BINARY=$(CURDIR)/$(BINARY) IMAGEGATE_TEST_SECONDS=$(SIEGE_SECONDS) \
	  cargo test --locked --test wire siege_together -- --nocapture

.PHONY: sbom
sbom: ## Write a CycloneDX bill of materials
	mkdir -p target
	deploy/sbom.py >target/imagegate.cdx.json

# In a container, one is root, and there is no sudo.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

.PHONY: release-tools
release-tools: ## Install what `make release` and `make release-check` need beside the toolchain
	$(SUDO) apt-get update -q
	$(SUDO) apt-get install -y -q --no-install-recommends binutils dpkg-dev g++ gcc jq libc6-dev man-db python3
	command -v cargo-deb >/dev/null || cargo install --locked cargo-deb

.PHONY: release
release: ## Write tarball, Debian package, bill of materials and checksums into target/dist; needs cargo-deb
	deploy/release.sh

.PHONY: release-check
release-check: ## Unpack and install what `make release` wrote, and try it
	tests/release.sh

.PHONY: krew
krew: ## Write the plugin's manifest for krew, of the tarballs in target/dist; needs REPOSITORY=https://…
	@mkdir -p target/dist
	deploy/krew.sh '$(REPOSITORY)' >target/dist/imagegate.yaml

# Once for all architectures, when all of them are built: the manifest for krew has each of them, and nobody
# else creates the draft meanwhile.
.PHONY: release-upload
release-upload: ## Draft the release of TAG from target/dist, where every architecture is; needs gh, and REPOSITORY
	cd target/dist && sha256sum --check --strict --quiet SHA256SUMS-*
	$(MAKEFILE_DIR)deploy/krew.sh --complete '$(REPOSITORY)' target/dist >target/dist/imagegate.yaml
	gh release view '$(TAG)' >/dev/null 2>&1 || gh release create '$(TAG)' --draft --title '$(TAG)' --notes-file $(MAKEFILE_DIR)CHANGELOG.md
	gh release upload '$(TAG)' target/dist/* --clobber

.PHONY: reproducible
reproducible: ## Make the release twice, in two directories, and compare the two; a quarter of an hour
	tests/reproducible.sh

.PHONY: chart
chart: ## Check the manifests, the chart, the alerts and the dashboard
	tests/deploy/check.sh
	tests/deploy/registry.sh

# Where the chart's home is, such as https://github.com/OWNER/imagegate; and the registry to push to.
REPOSITORY ?=
REGISTRY ?=

.PHONY: chart-package
chart-package: ## Package the chart into target/dist; needs helm, and REPOSITORY=https://… for its home and icon
	deploy/chart.sh package '$(REPOSITORY)'

.PHONY: chart-push
chart-push: ## Push the packaged chart, to REGISTRY=oci://HOST/PATH
	deploy/chart.sh push '$(REGISTRY)'

.PHONY: check
check: lint deny test ## Run what must be green before a commit

.PHONY: bench
bench: ## Measure what a decision costs, part by part; BENCH=generated selects some
	cargo bench --locked --bench micro -- $(BENCH)

INSTRUCTIONS_BUILD := CARGO_PROFILE_BENCH_LTO=off cargo bench --locked --bench instructions --no-run \
  --target-dir target/instructions

.PHONY: instructions
instructions: ## Compare instruction counts with benches/instructions/baseline.tsv; needs valgrind; INSTRUCTIONS='--rounds 9'
	binary=$$($(INSTRUCTIONS_BUILD) --message-format=json \
	  | sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p'); \
	python3 benches/instructions/guard.py "$$binary" $(INSTRUCTIONS)

SCALE := $(TARGET)/release/imagegate-scale

.PHONY: $(SCALE)
$(SCALE):
	cargo build --locked --release --package imagegate-scale

.PHONY: scale
scale: $(SCALE) ## Simulate clusters of up to 10,000 Pods a second: the table and charts of docs/sizing.md; minutes
	python3 benches/scale/scale.py $(SCALE) $(BINARY) model

.PHONY: scale-compare
scale-compare: $(BINARY) $(SCALE) ## Compare the simulation with 1, 2 and 4 replicas, a kill and a drain included; a minute
	python3 benches/scale/scale.py $(SCALE) $(BINARY) compare

.PHONY: scale-measure
scale-measure: $(BINARY) $(SCALE) ## Measure what the simulation is fitted to, into benches/scale/measured.tsv
	python3 benches/scale/scale.py $(SCALE) $(BINARY) measure

.PHONY: instructions-binary
instructions-binary: ## Build what `make instructions` runs
	$(INSTRUCTIONS_BUILD)

.PHONY: load
load: ## Measure under load over TLS, next to a server that does nothing; LOAD='--sizes 2' selects some
	@# Building the floor also builds the webhook, with the tests' features; so the real one is built last.
	floor=$$(cargo build --locked --release --bench floor --message-format=json \
	  | sed -n 's/.*"executable":"\([^"]*floor[^"]*\)".*/\1/p'); \
	cargo build --locked --release; \
	python3 benches/load/load.py --gate $(BINARY) --floor "$$floor" --output target/load $(LOAD)
