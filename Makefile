# The commands of this project; `make run` and `make test` do all their own set-up (deploy/bootstrap.py).

SHELL := /bin/bash
BOOT := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := $(CURDIR)/.venv/bin
PY := $(VENV)/python
export PATH := $(VENV):$(PATH)
# Where bytecode may not be kept (git ignores it, `make clean` removes it), each process of the portal and of a test
# compiles everything anew: eight seconds before the first test.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help set-up run test test-fast test-livekit screenshots check format bench-call bench-page bench-relay bench-peer bench-provision clean boot

help:
	@echo "make run           set everything up and run the portal (http://localhost:8000)"
	@echo "make set-up        set everything up that a running portal needs, and run nothing (services, upgrades)"
	@echo "make test          lint, types, contracts and all tests, browsers included"
	@echo "make test-fast     the tests that need no browser, start no portal and are not long (under a minute)"
	@echo "make check         lint, types, import contracts, front end"
	@echo "make test-livekit  the call tests against a LiveKit server instead of the embedded relay"
	@echo "make bench-call    restarts, joins and delays, as JSON lines"
	@echo "make bench-page    first paint, script, memory and screen updates of the call page, as JSON lines"
	@echo "make bench-relay   packets per CPU-second of the embedded relay, as JSON lines"
	@echo "make bench-peer    the same against LiveKit's server, alternating"
	@echo "make bench-provision  an HR file of 250,000 people on SQLite and PostgreSQL, as JSON lines"
	@echo "make screenshots   each page and state at two widths, light and dark, in three languages: build/screenshots"
	@echo "make format        let ruff and biome rewrite the code"
	@echo "make clean         remove what was built (keeps data/ and .env)"

boot:
	@test -n "$(BOOT)" || { echo "Python 3.11 or newer is needed: sudo apt-get install python3 python3-venv" >&2; exit 1; }

set-up: boot
	@$(BOOT) deploy/bootstrap.py set-up

run: boot
	@exec $(BOOT) deploy/bootstrap.py run

test: boot
	@$(BOOT) deploy/bootstrap.py test
	@$(MAKE) --no-print-directory check-only
	@$(VENV)/pytest -q

test-fast: boot
	@$(BOOT) deploy/bootstrap.py fast
	@$(VENV)/pytest -q -n 2 -m "not browser and not calls and not long"

# All that is a call, whatever the engine; tests/embedded_only.txt says what is left out, and why.
test-livekit: boot
	@$(BOOT) deploy/bootstrap.py test
	@VISIO_TEST_ENGINE=livekit $(VENV)/pytest -q -m "calls and not embedded" tests

# LANGUAGES="de" for one of them alone.
screenshots: boot
	@$(BOOT) deploy/bootstrap.py test
	@$(PY) -m tests.screenshots $(LANGUAGES)

check: boot
	@$(BOOT) deploy/bootstrap.py fast
	@$(MAKE) --no-print-directory check-only

.PHONY: check-only
check-only:
	@$(MAKE) --no-print-directory -j2 -Otarget check-types check-style check-front-end

.PHONY: check-types check-style check-front-end
check-types:
	$(VENV)/mypy
check-style:
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports --no-cache
check-front-end:
	$(VENV)/npm run --silent check
	$(VENV)/npm test --silent

format:
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	$(VENV)/npm run --silent format

bench-call: boot
	@$(BOOT) deploy/bootstrap.py test
	@$(PY) -m bench.call

# PAGE="--minutes 3" and the like: python -m bench.page --help
bench-page: boot
	@$(BOOT) deploy/bootstrap.py test
	@$(PY) -m bench.page $(PAGE)

bench-relay: boot
	@$(BOOT) deploy/bootstrap.py fast
	@$(PY) -m bench.relay

bench-peer: boot
	@$(BOOT) deploy/bootstrap.py fast
	@$(PY) -m bench.peer

# PROVISION="--rows 20000 --database sqlite": python -m bench.provision --help
bench-provision: boot
	@$(BOOT) deploy/bootstrap.py fast
	@$(PY) -m bench.provision $(PROVISION)

clean:
	rm -rf build node_modules .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
