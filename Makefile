# make help lists what there is. Needs only make and Python 3.11 or newer; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help venv messages demo serve test lint format types bench soak lock clean py

usable = $(1) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $(call usable,$$p) && echo $$p && break; done)
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet
PORT ?= 8000
TESTS ?= tests
# What `check --deploy` looks at: an installation as it would be in production, with nothing behind its addresses.
DEPLOYED := env PRODUCTION=1 PUBLIC_URL=https://crm.example.com ALLOWED_HOSTS=crm.example.com TRUSTED_PROXIES=1 \
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))') \
	FIELD_KEYS=lint:$$($(PY) -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())') \
	DATABASE_URL=postgresql://localhost/nowhere REDIS_URL=redis://localhost:1/0

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.venv/.made:
	@test -n "$(PYTHON)" || { echo "crmsync needs Python 3.11 or newer with its venv module (PYTHON=/path/to/python names one)."; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.embedded: .venv/.made requirements/embedded.txt
	@echo "Installing what crmsync runs on (once)"
	@$(PIP) install --require-hashes -r requirements/embedded.txt
	@touch $@

.venv/.dev: .venv/.embedded requirements/dev.txt
	@echo "Installing what crmsync is tested with (once)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

venv: .venv/.dev ## the virtual environment with all tools

messages: .venv/.embedded
	@$(PY) scripts/compile_messages.py

demo: messages ## start everything with demo data and sandbox vendors
	@exec env SANDBOX=1 PORT=$(PORT) $(PY) manage.py serve --demo-data

serve: messages ## start crmsync on your own data
	@exec env PORT=$(PORT) $(PY) manage.py serve

test: lint ## all that CI runs: lint, then every test with warnings as errors, browser included
	@$(PY) $(if $(filter tests,$(TESTS)),scripts/run_tests.py,-m pytest) -p no:cacheprovider -m "not soak" --create-db $(filter-out tests,$(TESTS))

lint: .venv/.dev messages ## style, types, import rules, deployment checks, missing migrations, translations
	$(PY) -m ruff check --no-cache .
	$(PY) -m ruff format --no-cache --check .
	env DATABASE_URL=postgresql://localhost/nowhere REDIS_URL=redis://localhost:1/0 $(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(DEPLOYED) $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) scripts/check_messages.py

types: .venv/.dev ## mypy alone
	env DATABASE_URL=postgresql://localhost/nowhere REDIS_URL=redis://localhost:1/0 $(PY) -m mypy

format: .venv/.dev ## let ruff put the code in shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: .venv/.dev ## benchmarks, as ratios (docs/benchmarks.md explains them)
	@$(PY) -m crmsync.dev python -m tests.bench $(ARGS)

soak: .venv/.dev ## long random runs
	@$(PY) -m pytest -p no:cacheprovider --hypothesis-profile=searching -m soak $(TESTS)

lock: .venv/.dev ## renew requirements/*.txt from pyproject.toml (needs uv)
	scripts/lock

py: .venv/.dev ## run Python with the services up: make -s py ARGS='-m pytest tests/lib -q'
	@$(PY) -m crmsync.dev python $(ARGS)

clean: ## remove the virtual environment and all local data
	rm -rf .venv .data staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
