"""The page of scores says what its table says."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def results(monkeypatch, tmp_path, load_script):
    module = load_script("benchmarks/results.py")
    monkeypatch.setattr(module, "TABLE", tmp_path / "results.csv")
    return module


def row(memory, environment, seed, best, last=0.5):
    scores = {"best": f"{best:.3f}", "last": f"{last:.3f}"}
    names = {"memory": memory, "environment": environment, "seed": seed, "steps": 1_000_000}
    return names | scores | {"minutes": "1.0"}


def test_the_page_in_docs_is_that_of_the_table_beside_it(results, monkeypatch):
    monkeypatch.setattr(results, "TABLE", ROOT / "docs" / "results.csv")
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert page == "\n".join(results.page()) + "\n", "run python benchmarks/results.py --page"


def test_a_cell_is_the_mean_over_seeds_and_what_was_not_trained_is_named(results):
    results.note(row("gru", "RepeatFirstEasy", 1, 0.6))
    results.note(row("gru", "RepeatFirstEasy", 0, 0.4, last=0.1))
    lines = list(results.page())
    assert "| gru | – | 0.500 / 0.300 | – | 0 + 2 + 0 | 1.0 |" in lines
    assert "mlp" in lines[-1] and "gru," not in lines[-1].split(": ")[1].split(" ")


def test_rows_are_kept_in_order_of_memory_environment_and_seed(results):
    for memory, environment, seed in (
        ("mlp", "RepeatFirstEasy", 0),
        ("gru", "RepeatFirstEasy", 1),
        ("gru", "RepeatFirstEasy", 0),
        ("gru", "RepeatPreviousEasy", 0),
    ):
        results.note(row(memory, environment, seed, 0.9))
    assert [(r["memory"], r["environment"], r["seed"]) for r in results.read()] == [
        ("gru", "RepeatPreviousEasy", "0"),
        ("gru", "RepeatFirstEasy", "0"),
        ("gru", "RepeatFirstEasy", "1"),
        ("mlp", "RepeatFirstEasy", "0"),
    ]


def test_a_run_is_scored_by_its_best_and_by_its_last_iterations(results, monkeypatch):
    monkeypatch.setitem(results.SETTINGS, "steps", 2048)
    monkeypatch.setitem(results.SETTINGS, "num_envs", 8)
    monkeypatch.setitem(results.SETTINGS, "minibatch_size", 256)
    trained = results.train("mingru", "RepeatPreviousEasy", seed=0)
    assert trained["steps"] == 2048
    assert -1 <= float(trained["last"]) <= float(trained["best"]) <= 1
