# `make demo` and `make test` work in a clean clone; they install all they need into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow lint types bench peers clean

demo: .venv/ready
	$(BIN)/popgym train RepeatPreviousEasy --memory frameconv --stop-at 0.97

# One process per core with one thread each: more threads wait for each other and are slower.
test test-slow: export OMP_NUM_THREADS = 1

test: .venv/ready
	$(BIN)/python -m pytest -m "not slow" -n auto

# Only the files that mark a test as slow: each process would import the others for nothing.
test-slow: .venv/ready  # trains agents and starts Ray clusters; takes some minutes
	$(BIN)/python -m pytest -m slow -n auto --dist loadgroup $$(grep -rl --include='*.py' 'mark\.slow' tests)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

bench: .venv/ready  # prints tables; takes long and needs a machine without other load
	$(BIN)/python benchmarks/envs.py
	$(BIN)/python benchmarks/layers.py
	$(BIN)/python benchmarks/memories.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/learning.py

peers: .venv-peers/ready  # the libraries that benchmarks/time_to_score.py compares popgym to

.venv-peers/ready: benchmarks/peers/requirements.txt constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet -c constraints.txt -r benchmarks/peers/requirements.txt -e .
	touch $@

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "pip>=25.1"  # the first version with dependency groups
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[all]" --group dev
	touch $@

clean:
	rm -rf .venv .venv-peers build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
