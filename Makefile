# `make` alone lists what there is. The work is in scripts/, so that it can be run, read and linted without make.
.DEFAULT_GOAL := help
.PHONY: help run test check bench soak vectors corpora

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start a gateway with a simulated cloud and fresh keys: nothing to configure (ARGS="--listen 127.0.0.1:0")
	cargo run --release -- quickstart $(ARGS)

test: ## run every test, with its own Postgres, Redis and official SDKs; leaves nothing running
	scripts/test.sh

check: ## format, lints, licences, bans, advisories, documentation, scripts, Dockerfile
	scripts/check.sh

bench: ## measure; prints, never judges
	cargo bench --bench parts
	scripts/with-services.sh cargo bench --bench broker
	DTS_SERVICES_FSYNC=on scripts/with-services.sh cargo bench --bench path -- --json docs/performance/latest.json

soak: ## the load, kill and replicas' scenarios at their full figures (release build, about an hour)
	scripts/test.sh soak

vectors: ## run the signature verifier alone over a folder of known answers: make vectors DIR=folder
	@test -d "$(DIR)" || { echo 'usage: make vectors DIR=folder' >&2; exit 64; }
	DTS_VECTORS_DIR="$(abspath $(DIR))" cargo test --test vectors -- --nocapture

corpora: ## run other people's test data from a folder: make corpora DIR=folder (with JSONTestSuite, blns, wycheproof)
	@test -d "$(DIR)" || { echo 'usage: make corpora DIR=folder' >&2; exit 64; }
	DTS_CORPORA_DIR="$(abspath $(DIR))" cargo test --test 'corpora*' -- --nocapture
	DTS_CORPORA_DIR="$(abspath $(DIR))" scripts/with-services.sh cargo test --test it -- corpora:: --nocapture
