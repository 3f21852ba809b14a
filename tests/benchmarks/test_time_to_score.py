"""What the benchmark of times to a score concludes from episodes and from its file."""

import argparse
import csv
import math

import gymnasium as gym
import numpy as np
import pytest


@pytest.fixture
def bench(load_script):
    return load_script("benchmarks/time_to_score.py")


@pytest.fixture
def until(load_script):
    return load_script("benchmarks/peers/until.py")


def ticking():
    """A clock that advances by a second at every look."""
    seconds = iter(range(10**6))
    return lambda: float(next(seconds))


def play(watch, module, returns, length=10):
    """Note episodes one after another; the number of them that were noted before the end."""
    watch.begin()
    for count, total in enumerate(returns, 1):
        try:
            watch.note(length, [total])
        except module.Ended:
            return count
    return None


def test_the_score_is_reached_by_the_last_hundred_episodes(until):
    watch = until.Until(1.0, math.inf, 10**9, ticking())
    assert play(watch, until, [0.0] * 50 + [1.0] * 200) == 150
    assert (watch.reached, watch.steps, watch.seconds, watch.mean) == (True, 1500, 150.0, 1.0)


def test_fewer_than_a_hundred_episodes_reach_nothing(until):
    watch = until.Until(1.0, math.inf, 10**9, ticking())
    assert play(watch, until, [5.0] * 99) is None
    assert not watch.reached


def test_the_score_may_be_negative(until):
    watch = until.Until(-250.0, math.inf, 10**9, ticking())
    assert play(watch, until, [-1000.0] * 100 + [-100.0] * 100) == 184  # 16 · -1000 + 84 · -100
    assert watch.mean == -244.0


@pytest.mark.parametrize("limits", [(7.0, 10**9), (math.inf, 80)])
def test_a_limit_ends_the_run_without_the_score(until, limits):
    watch = until.Until(1.0, *limits, ticking())
    assert play(watch, until, [0.0] * 200) == 8
    assert not watch.reached


def test_a_score_after_the_time_is_up_does_not_count(until):
    watch = until.Until(1.0, 99.5, 10**9, ticking())
    assert play(watch, until, [1.0] * 200) == 100
    assert not watch.reached


def test_single_and_vector_environments_count_the_same_episodes(until):
    single = until.Until(math.inf, math.inf, 10**9)
    env = until.Watched(gym.make("CartPole-v1"), single)
    env.reset(seed=0)
    length = 0
    over = False
    while not over:
        *_, terminated, truncated, _ = env.step(0)
        over, length = terminated or truncated, length + 1
    assert (single.steps, single.episodes, single.mean) == (length, 1, float(length))

    many = until.Until(math.inf, math.inf, 10**9)
    mode = gym.vector.AutoresetMode.SAME_STEP
    make = [lambda: gym.make("CartPole-v1")] * 2
    envs = until.WatchedVector(gym.vector.SyncVectorEnv(make, autoreset_mode=mode), many)
    envs.reset(seed=[0, 0])
    for _ in range(length):
        envs.step(np.zeros(2, int))
    assert (many.steps, many.episodes, many.mean) == (2 * length, 2, float(length))


# ---- the file and the table


def row(seed, seconds, reached=True, contestant="popgym_gru"):
    return {
        "environment": "CartPole-v1", "contestant": contestant, "settings": "own", "seed": seed,
        "target": 475.0, "reached": reached, "seconds": seconds, "steps": int(1000 * seconds),
        "error": "",
    }  # fmt: skip


def crash(contestant="popgym_gru"):
    return row(0, 0.0, False, contestant) | {"seconds": "", "steps": "", "error": "exit code 1"}


def test_every_row_gets_a_seed_before_any_gets_the_next(bench):
    keys = bench.plan(["RepeatPreviousEasy", "CartPole-v1"], list(bench.TITLES), seeds=2)
    assert [key[3] for key in keys] == ["0"] * 15 + ["1"] * 15
    assert len(set(keys)) == 30
    assert ("CartPole-v1", "popgym_frameconv", "own", "0") not in keys
    assert ("CartPole-v1", "popgym_gru", "popgym", "0") not in keys


def test_an_interrupted_benchmark_makes_only_the_runs_that_are_missing(
    bench, tmp_path, monkeypatch
):
    path = tmp_path / "new" / "runs.csv"
    bench.append(path, row(0, 5.0))
    bench.append(path, row(1, 5.0) | {"error": "exit code 1"})
    with path.open("a") as file:
        file.write("CartPole-v1,popgym_gru,own,2,475.0,True,5")  # killed while writing
    made = []

    def run(self, python, job):
        made.append(job["seed"])
        return {"reached": False, "seconds": 1.0, "steps": 7, "mean_return": None, "startup": 0.5}

    monkeypatch.setattr(bench.Processes, "run", run)
    arguments = argparse.Namespace(out=path, seconds=1.0, steps=7, jobs=1, peers="python")
    keys = bench.plan(["CartPole-v1"], ["popgym_gru"], seeds=4)
    bench.measure(keys, arguments)
    assert made == [1, 2, 3]
    bench.measure(keys, arguments)
    assert made == [1, 2, 3]
    with path.open(newline="") as file:
        assert [r["seed"] for r in csv.DictReader(file)] == ["0", "1", "1", "2", "3"]


def cells(bench, tmp_path, rows):
    """The cells of the table's rows, after the file was written and read."""
    path = tmp_path / "runs.csv"
    for each in rows:
        bench.append(path, each)
    lines = list(bench.table(bench.read(path)))
    assert len({text.count("|") for text in lines}) == 1
    return [[cell.strip() for cell in text.split("|")[4:-1]] for text in lines[2:]]


def test_the_table_compares_medians_with_ours(bench, tmp_path):
    ours = [row(seed, seconds) for seed, seconds in enumerate([4.0, 2.0, 9.0])]
    theirs = [row(seed, seconds, contestant="sb3") for seed, seconds in enumerate([10.0, 14.0])]
    assert cells(bench, tmp_path, theirs + ours) == [
        ["4.0 (2.0–9.0)", "4,000", "3 of 3", "1.00"],
        ["12.0 (10.0–14.0)", "12,000", "2 of 2", "3.00"],
    ]


def test_the_table_shows_failures_as_lower_bounds(bench, tmp_path):
    rows = [row(0, 10.0), row(0, 30.0, contestant="rllib"), row(0, 60.0, False, "sb3")]
    rows += [row(1, 60.0, False, "rllib"), row(1, 50.0, False, "sb3")]
    rows += [crash(contestant="cleanrl")]
    assert cells(bench, tmp_path, rows) == [
        ["10.0 (10.0–10.0)", "10,000", "1 of 1", "1.00"],
        ["> 45.0 (30.0–not reached)", "> 45,000", "1 of 2", "> 4.50"],
        ["not reached in 60 s / 60,000 steps", "> 55,000", "0 of 2", "> 5.50"],
        ["–", "–", "0 of 1, 1 crashed", "–"],
    ]


def test_a_repeated_run_counts_once(bench, tmp_path):
    rows = [crash(), row(0, 8.0)]
    assert cells(bench, tmp_path, rows) == [["8.0 (8.0–8.0)", "8,000", "1 of 1", "1.00"]]
