# Rung's commands. Each sets a bare Debian or Ubuntu machine up by itself; a second run is quick.
#
#   make demo    a Debian container on Rung's own runtime, and what happened   (root)
#   make test    lint, types, import directions, every test; twice where there are two Pythons
#   make bench   Rung beside runc, crun and the bare kernel                      (root)
#   make bench-engine  the engine beside dockerd, podman and crun                  (root)
#   make bench-images  pulls with Rung, containerd, docker, podman, skopeo         (root)
#   make soak    one engine under every verb and random kills, SECONDS=3600 of it (root)
#   make lint    style, types and import directions only
#   make build   a wheel in dist/
#
# PYTHON=/path/to/python3.11 picks the interpreter; the real binary, never a version manager's shim.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
export PYTHON
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test soak bench bench-engine bench-images lint build check-second clean

demo:
	@tools/setup.sh demo
	@tools/demo.sh $(BIN)

lint:
	@tools/setup.sh build
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/unit/house/test_imports.py

test:
	@tools/setup.sh test
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python tools/suite.py $(ARGS)

bench:
	@tools/setup.sh bench
	$(BIN)/python bench/main.py $(ARGS)

bench-engine:
	@tools/setup.sh bench
	$(BIN)/python bench/engine.py $(ARGS)

bench-images:
	@tools/setup.sh bench
	$(BIN)/python bench/images.py --memory $(ARGS)
	$(BIN)/python bench/looking.py

soak: SECONDS := 3600
soak:
	@tools/setup.sh test
	$(BIN)/python tools/soak/main.py --seconds $(SECONDS) $(ARGS)

build:
	@tools/setup.sh build
	$(BIN)/python -m pip wheel -q --no-deps -w dist .
	@ls -l dist

clean:
	rm -rf .venv .venv-3.* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/rung/_bin
