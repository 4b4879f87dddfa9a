# Everything a developer or a new user runs. Needs Python 3.11, git and make; the rest is installed
# into .venv. On a GPU machine: make demo EXTRAS=gpu,offline,dev
PYTHON ?= python3.11
EXTRAS ?= offline,dev
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# Ray must not build a second environment for its workers.
export RAY_ENABLE_UV_RUN_RUNTIME_ENV ?= 0
# Where this is set a run's dozen processes would each compile our own modules anew.
unexport PYTHONDONTWRITEBYTECODE

# Tests of so many files at a time: most of their time is waiting.
JOBS ?= 2
N ?= 100
SEED ?= 1

BIN := .venv/bin
# The stamp is named after what was installed, so that other EXTRAS install again.
comma := ,
STAMP := .venv/.installed-$(subst $(comma),-,$(EXTRAS))

.PHONY: install demo test test-long tools check bench bench-voices bench-metrics bench-plan bench-scale soak faults image clean
install: $(STAMP)

# Bytecode at once: a run starts a dozen processes, and each would compile Ray and pandas for itself.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode --constraint constraints.txt --editable '.[$(EXTRAS)]'
	rm -f .venv/.installed-* && touch $@

demo: install  ## ingest the speech that ships, then search it
	$(BIN)/python run.py demo

test: install tools  ## all tests that need no GPU and no network
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Some make network namespaces: root, and in a container CAP_SYS_ADMIN and CAP_NET_ADMIN.
test-long: install tools  ## those that take minutes by the clock: planted bottlenecks, faults, benchmarks, a real Prometheus, several nodes
	$(BIN)/python -m pytest -m long

# Programs that tests drive for real; a test fails where its own is missing.
tools:  ## what tests/debian.txt names: installed where we may, else told
	@missing=$$(dpkg-query --show $$(cat tests/debian.txt) 2>&1 >/dev/null | sed -n 's/.* matching //p'); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$missing >/dev/null; \
	else echo "tests need these of Debian's packages too:" $$missing >&2; fi

check: install  ## style, types, import boundaries
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## the line against phases and against the engine alone; see tests/bench
	$(BIN)/python -m tests.bench $(ARGS)

bench-metrics: install  ## a line's speed with its metrics on and off
	$(BIN)/python -m tests.bench.metrics_cost $(ARGS)

bench-plan: install  ## what `plan` foretells against what runs then measure
	$(BIN)/python -m tests.bench.foretold $(ARGS)

bench-voices: install  ## what telling voices apart costs, and what its fast path misses
	$(BIN)/python -m tests.bench.voices $(ARGS)

bench-scale: install  ## more recognisers, one long video, 100,000 ids, and what 1,000 GPUs would ask of ledger and driver
	$(BIN)/python -m tests.bench.scale $(ARGS)

soak: install  ## 2,000 short videos in one run: does memory grow?
	$(BIN)/python -m tests.bench.soak $(ARGS)

faults: install  ## N faults at random moments; the corpus must be that of an undisturbed run
	$(BIN)/python -m tests.faults --n $(N) --seed $(SEED)

# cpu or gpu.
PLATFORM ?= cpu
include cluster/versions.env

image:  ## the container image of a cluster's nodes; PLATFORM=gpu for those with a card
	docker build -f cluster/Dockerfile --build-arg RAY_VERSION=$(RAY_VERSION) --build-arg PYTHON_TAG=$(PYTHON_TAG) \
	  --build-arg PLATFORM=$(PLATFORM) -t earmark:$(EARMARK_VERSION)-$(PLATFORM) .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
