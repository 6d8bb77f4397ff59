# Needs Python 3.11 or newer, pip and make; uses uv where it is there. Nothing is installed outside .venv, but Chromium (make test, root on Debian).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

ifndef PYTHON
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
BIN := .venv/bin
RUN_LOCKS := requirements.txt requirements-embedded.txt
DEV_LOCKS := $(RUN_LOCKS) requirements-dev.txt
stamp = .venv/installed-$(shell cat $(1) | sha256sum | cut -c 1-16)
RUN_STAMP := $(call stamp,$(RUN_LOCKS))
DEV_STAMP := $(call stamp,$(DEV_LOCKS))

# Settings for commands that look at the code and not at the data: production's, with a secret of the moment and servers nobody asks.
NO_SERVERS = env -u INSECURE_HTTP -u DEBUG DJANGO_SETTINGS_MODULE=config.settings DATABASE_URL=postgresql://127.0.0.1:1/none \
	REDIS_URL=redis://127.0.0.1:1/0 SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') ALLOWED_HOSTS=hoso.example

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUN_STAMP) ## agency on http://127.0.0.1:8000 and hub on :8001, with a demo; PORT= and HUB_PORT= choose others
	@exec $(BIN)/python -m config.embedded run

.PHONY: demo
demo: $(RUN_STAMP) ## the main job without a browser, from a workbook to the hub's receipts; fails unless every count adds up
	@exec $(BIN)/python -m config.embedded demo

.PHONY: sandbox
sandbox: $(RUN_STAMP) ## the other side with faults to switch on, on http://127.0.0.1:8002; SANDBOX_PORT= and SANDBOX= (its options) choose
	@exec $(BIN)/python -m exchange.sandbox --port $(or $(SANDBOX_PORT),8002) --tls-port $(or $(SANDBOX_TLS_PORT),8003) \
		--state var/sandbox/state.sqlite $(SANDBOX)

.PHONY: test
test: $(DEV_STAMP) chromium softhsm ## everything that CI asks: lint, checks, tests
	@$(MAKE) --no-print-directory -j2 image lint check
	$(BIN)/python -m pytest -n 2

# What stacks in tests begin from; kept below var/ until the tables change.
.PHONY: image
image: $(DEV_STAMP)
	@$(BIN)/python -m tests.stacks

.PHONY: test-long
test-long: $(DEV_STAMP) chromium softhsm ## the tests that take minutes, too
	$(BIN)/python -m pytest -n 2 -m ""

.PHONY: lint
lint: $(DEV_STAMP) ## style, format, types, walls between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo mypy && $(NO_SERVERS) $(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: $(DEV_STAMP) ## no migration is missing, and production's settings are safe
	@echo makemigrations --check && $(NO_SERVERS) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo check --deploy && $(NO_SERVERS) $(BIN)/python manage.py check --deploy --fail-level WARNING

.PHONY: format
format: $(DEV_STAMP) ## put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: profile-report
profile-report: $(RUN_STAMP) ## where each item of the form lives; fails while one is missing anywhere
	@$(NO_SERVERS) $(BIN)/python -W ignore::RuntimeWarning manage.py profile_report

.PHONY: messages
messages: $(DEV_STAMP) ## collect the words to translate into locale/, and compile the translations
	$(BIN)/python tools/messages.py

.PHONY: fault-runs
fault-runs: $(DEV_STAMP) ## delivery in 100,000 seeded worlds of faults (about half an hour on two idle cores; RUNS= says how many)
	@exec $(BIN)/python -m bench.fault_runs

.PHONY: conformance
conformance: $(DEV_STAMP) ## the conformance kit against our own sender and hub, and against senders and hubs with a fault
	@$(BIN)/python -m pytest -q -m "" tests/exchange/test_conformance_senders.py
	@exec $(BIN)/python -m bench.conformance

bench-%: $(DEV_STAMP) ## measure: bench-gate, bench-ingest and whatever else bench/ holds, on servers of the bench's own
	@exec $(BIN)/python -m bench.$*

.PHONY: lock
lock: ## pin the requirements anew, with hashes (needs uv)
	@test -n "$(UV)" || { echo "uv is missing: pip install uv"; exit 1; }
	@for name in requirements requirements-embedded requirements-dev; do \
		uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url $$name.in -o $$name.txt || exit 1; \
	done

.PHONY: chromium
chromium: # the browser journeys drive Debian's own browser
	@if command -v chromium chromium-browser google-chrome >/dev/null; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then apt-get update -q && apt-get install -q -y --no-install-recommends chromium; \
	else echo "Chromium is missing, which the browser journeys need. On Debian or Ubuntu: sudo apt-get install chromium"; exit 1; fi

.PHONY: softhsm
softhsm: # stands in for a USB token; where it cannot be installed its tests are skipped
	@if ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so >/dev/null 2>&1; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then apt-get install -q -y --no-install-recommends softhsm2 >/dev/null 2>&1 || true; fi

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; where it has another name: make PYTHON=/path/to/python"; exit 1; }
	@rm -rf .venv
	@if test -n "$(UV)"; then uv venv --quiet --python $(PYTHON) .venv; \
	elif $(PYTHON) -m ensurepip --version >/dev/null 2>&1; then $(PYTHON) -m venv .venv; \
	else $(PYTHON) -m venv --without-pip .venv; fi

# One stamp for each content of the lock files: a change of a pin installs, anything else is instant.
install = @if test -n "$(UV)"; then set -- uv pip install --python $(BIN)/python; \
	elif test -x $(BIN)/pip; then set -- $(BIN)/python -m pip install; \
	else set -- $(PYTHON) -m pip --python $(BIN)/python install; fi; \
	"$$@" --quiet --require-hashes $(addprefix -r ,$(1))

$(RUN_STAMP): | .venv/bin/python
	@echo "Installing what the program needs into .venv"
	@rm -f .venv/installed-*
	$(call install,$(RUN_LOCKS))
	@touch $@

$(DEV_STAMP): | .venv/bin/python
	@echo "Installing what the program and its tests need into .venv"
	@rm -f .venv/installed-*
	$(call install,$(DEV_LOCKS))
	@touch $@ $(RUN_STAMP)
