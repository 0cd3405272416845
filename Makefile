# Two commands matter: `make run` and `make test`. Both set up all they need.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3.11
UV := $(BIN)/uv
export UV_PROJECT_ENVIRONMENT := $(VENV)

SITE := src/vaultstream/http/site/index.html

.PHONY: run test check lint types contracts schema synth infra lock chromium clean

run: $(VENV)/.run $(SITE) ## set up what is missing, then start the vault with its embedded parts
	@exec $(BIN)/vaultstream dev

test: $(VENV)/.dev $(SITE) chromium ## set up what is missing, then run every test
ifdef PYTEST_ARGS
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)
else
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not story" --cov --cov-report=term
	$(BIN)/python -m pytest -m story # whole vaults, each of nine processes: one at a time
endif

check: lint types contracts ## every gate but the tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev ## fail unless schema/ is what the code says; the tests compare it with earlier contracts
	$(BIN)/vaultstream schema --check

schema: $(VENV)/.dev ## write schema/schema.graphql from the code
	$(BIN)/vaultstream schema --write

synth: $(VENV)/cdk/.done ## write the templates of both environments into build/, from the code as it is
	for place in dev prod; do \
		PATH="$(CURDIR)/$(VENV)/cdk/bin:$$PATH" $(VENV)/cdk/bin/python -m cdk.app $$place --output build/$$place || exit; done

infra: $(VENV)/.dev $(VENV)/cdk/.done synth ## the infrastructure's gates: types, cdk-nag and Guard (in synth), linters
	$(BIN)/mypy --python-executable $(VENV)/cdk/bin/python -p cdk
	$(VENV)/cdk/bin/cfn-lint -i W3005 W3010 -- build/*/*.template.json # both are what CDK itself writes: more DependsOn, named zones
	$(VENV)/cdk/bin/hadolint Dockerfile
	$(VENV)/cdk/bin/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/cdk/bin/zizmor -q --offline --min-severity medium .github/workflows

lock: $(UV) ## resolve the lock files again
	$(UV) pip compile -q --python-version 3.11 --generate-hashes --extra local pyproject.toml -o requirements/run.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes --extra local pyproject.toml requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes requirements/ministack.in -o requirements/ministack.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes requirements/ariadne.in -o requirements/ariadne.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes --extra image pyproject.toml -c requirements/run.txt -o requirements/service.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes requirements/cdk.in -o requirements/cdk.txt
	npm install --package-lock-only
	cd web && npm install --package-lock-only

clean:
	rm -rf $(VENV) node_modules build web/node_modules web/src/gql $(dir $(SITE))

# The page: typed from the contract, then built into what the vault serves.
$(SITE): web/node_modules/.done web/index.html web/codegen.ts web/tsconfig.json web/vite.config.ts schema/schema.graphql $(shell find web/src web/public -type f -not -path 'web/src/gql/*')
	cd web && npm run --silent build

web/node_modules/.done: web/package-lock.json
	cd web && npm ci --silent
	@touch $@

# The page's tests need a browser; without root and without one, they say that they were left out.
chromium:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || (apt-get update -qq && apt-get install -y -qq chromium) >/dev/null

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements/uv.txt

# The emulator of queues and the bus pins another botocore, so it lives in an environment of its own.
$(VENV)/ministack/.done: requirements/ministack.txt | $(UV)
	$(UV) venv -q --clear --python $(BIN)/python $(VENV)/ministack
	$(UV) pip install -q --python $(VENV)/ministack --require-hashes -r requirements/ministack.txt
	@touch $@

# The generator of Python clients is for an older graphql-core.
$(VENV)/ariadne/.done: requirements/ariadne.txt | $(UV)
	$(UV) venv -q --clear --python $(BIN)/python $(VENV)/ariadne
	$(UV) pip install -q --python $(VENV)/ariadne --require-hashes -r requirements/ariadne.txt
	@touch $@

# What makes the templates: jsii pins of its own, and a Node that is not the system's.
$(VENV)/cdk/.done: requirements/cdk.txt pyproject.toml | $(UV)
	$(UV) venv -q --clear --python $(BIN)/python $(VENV)/cdk
	$(UV) pip install -q --python $(VENV)/cdk --require-hashes -r requirements/cdk.txt
	$(UV) pip install -q --python $(VENV)/cdk --no-deps -e .
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml package-lock.json $(VENV)/ministack/.done | $(UV)
	$(UV) pip install -q --python $(VENV) --require-hashes -r requirements/run.txt
	$(UV) pip install -q --python $(VENV) --no-deps -e .
	npm ci --silent --omit=dev
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml package-lock.json $(VENV)/ministack/.done $(VENV)/ariadne/.done | $(UV)
	$(UV) pip install -q --python $(VENV) --require-hashes -r requirements/dev.txt
	$(UV) pip install -q --python $(VENV) --no-deps -e .
	npm ci --silent
	-@test -n "$$(command -v clamd)" || test "$$(id -u)" != 0 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends clamav-daemon >/dev/null; }
	@touch $@ $(VENV)/.run
