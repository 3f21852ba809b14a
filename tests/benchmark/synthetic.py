"""Made-up results of benchmarks, for the tests of reports."""

import json

import numpy as np
import pandas as pd

from popgym.benchmark.reading import COLUMNS, Results
from popgym.envs.scores import bounds_of

BUDGET = 1_000_000


def results(tasks, memories, seeds, failed=0, points=60):
    """Results in which later memories are worse, and the first ``failed`` trials failed.

    Args:
        tasks: Names of tasks.
        memories: Labels of memories.
        seeds: Number of seeds.
        failed: Number of trials that failed.
        points: Number of points of each curve.
    """
    rng = np.random.default_rng(0)
    names = [(task, m, seed) for seed in range(seeds) for task in tasks for m in memories]
    rows, curves = [], []
    for i, (task, memory, seed) in enumerate(names):
        skill = np.clip(
            0.9 - 0.6 * memories.index(memory) / len(memories) + rng.normal(0, 0.05), 0, 1
        )
        curve = _curve(task, skill, points, rng)
        row = _row(task, memory, seed, curve, memories.index(memory))
        if i < failed:
            curve = curve.iloc[: points // 3]
            row |= {"status": "failed", "error": "RuntimeError: the simulator broke", "steps": 100}
            row |= dict.fromkeys(["final_mean", "sampled_mean", "last_tenth"], np.nan)
        rows.append(row)
        curves.append(curve.assign(trial=row["trial"]))
    trials = pd.DataFrame(rows, columns=[*COLUMNS])
    about = {
        "versions": {"popgym": "2.0.0", "torch": "2.13.0"},
        "machine": "2 cores, no GPU",
        "commands": ["popgym benchmark --suite diagnostic"],
        "folders": ["runs/diagnostic"],
        "created": "2026-11-28T09:00:00+0000",
    }
    return Results(trials, pd.concat(curves, ignore_index=True), about)


def _curve(task, skill, points, rng):
    """A sigmoid from the floor towards the ceiling, with noise."""
    floor, ceiling = bounds_of(task) or (0.0, 10.0)
    steps = np.linspace(BUDGET / points, BUDGET, points).astype(int)
    rise = 1 / (1 + np.exp(-10 * (steps / BUDGET - 0.6 + 0.4 * skill)))
    value = floor + (ceiling - floor) * (skill * rise + rng.normal(0, 0.02, points))
    seconds = steps / (2000 * (1 + skill))
    return pd.DataFrame({"steps": steps, "seconds": seconds, "mean_return": value})


def _row(task, memory, seed, curve, place):
    value = curve["mean_return"].to_numpy()
    last = float(value[-len(value) // 10 :].mean())
    settings = {"lr": 0.003} if place == 1 else {}
    return {
        "trial": f"{task}/{memory}/seed{seed}", "task": task, "memory": memory, "seed": seed,
        "status": "done", "error": "", "steps": BUDGET, "budget": BUDGET,
        "seconds": float(curve["seconds"].iloc[-1]), "mmer": float(value.max()),
        "mmer_excess": 0.03, "last_tenth": last, "final_mean": last + 0.01,
        "sampled_mean": last - 0.01, "parameters": 200_000 + 20_000 * place,
        "state_size": 256 * place, "horizon": np.nan, "worth_of_memory": np.nan,
        "settings": json.dumps({"gamma": 0.99, **settings}),
        "path": f"runs/{task}/{memory}/seed{seed}",
    }  # fmt: skip
