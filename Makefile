# Everything a change must pass. Uses the packages of the environment that is active, or of .venv.
BIN := $(if $(wildcard .venv/bin/python),.venv/bin/,)

.PHONY: check format lint types test slow bench

check: lint types test

format:
	$(BIN)ruff format .
	$(BIN)ruff check --fix .

lint:
	$(BIN)ruff format --check .
	$(BIN)ruff check .

types:
	$(BIN)mypy

test:
	$(BIN)python -m pytest -q

slow:
	$(BIN)python -m pytest -q -m slow

bench:
	$(BIN)python benchmarks/optimise.py
	$(BIN)python benchmarks/curves.py
	$(BIN)python benchmarks/scoring.py
	$(BIN)python benchmarks/honesty.py
