"""The study of the training settings: each variant on each task of the panel, with some seeds.

    python benchmarks/study/study.py --seeds 2 --jobs 2
    python benchmarks/study/study.py --table

Every finished run adds a row to ``rows.csv``; a run that is there is not repeated.
"""

from __future__ import annotations

import argparse
import csv
import functools
import itertools
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from panel import PANEL, TUNING_SEEDS, VARIANTS, Task

ROWS = Path(__file__).with_name("rows.csv")
COLUMNS = ("variant", "task", "seed", "mean", "last", "seconds")
Key = tuple[str, str, int]


def main() -> None:
    """Run what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--tasks", nargs="*", help="only tasks whose name contains one of these")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print the table of all rows")
    given = parser.parse_args()
    if given.table:
        print(table(read()))
        return
    tasks = [t for t in PANEL if not given.tasks or any(part in t.name for part in given.tasks)]
    seeds = TUNING_SEEDS[: given.seeds]
    wanted = [
        (variant, task, seed)
        for seed, variant, task in itertools.product(seeds, given.variants, tasks)
    ]
    done = read()
    run([each for each in wanted if (each[0], each[1].name, each[2]) not in done], given.jobs)


def run(trials: list[tuple[str, Task, int]], jobs: int) -> None:
    """Train each trial in one of ``jobs`` processes and add its row."""
    with ProcessPoolExecutor(jobs, initializer=_prepare) as pool:
        futures = [pool.submit(trial, *each) for each in trials]
        for number, future in enumerate(as_completed(futures), 1):
            try:
                row = future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            append(row)
            print(f"{number}/{len(trials)}", *row.values(), flush=True)


def _prepare() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.nice(10)


def trial(variant: str, task: Task, seed: int) -> dict[str, Any]:
    """Train once and return the row: scores over the whole run, and over its last tenth."""
    import popgym

    settings = {**(task.settings or {}), **VARIANTS[variant]}
    adam = {key.removeprefix("adam."): settings.pop(key) for key in [*settings] if "." in key}
    began = time.monotonic()
    with _adam(adam), tempfile.TemporaryDirectory() as folder:
        run = popgym.train(
            task.env, task.memory, steps=task.steps, seed=seed, threads=1, progress=False,
            out=f"{folder}/run", **settings,
        )  # fmt: skip
        rows = [row for row in run.rows if row["episodes"]]
    score = [(row["return_mean"] - task.floor) / (task.ceiling - task.floor) for row in rows]
    last = [s for s, row in zip(score, rows, strict=True) if row["steps"] > 0.9 * task.steps]
    values = (
        variant, task.name, seed, _mean(score), _mean(last), time.monotonic() - began,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else float("nan")


def _adam(options: dict[str, Any]) -> AbstractContextManager[Any]:
    """Give torch's Adam other defaults within a block."""
    import torch

    return patch.object(torch.optim, "Adam", functools.partial(torch.optim.Adam, **options))


def read() -> dict[Key, dict[str, str]]:
    """Return the finished rows by variant, task and seed."""
    if not ROWS.exists():
        return {}
    with ROWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["variant"], row["task"], int(row["seed"])): row for row in rows}


def append(row: dict[str, Any]) -> None:
    """Add a row to the file."""
    is_new = not ROWS.exists()
    with ROWS.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def table(rows: dict[Key, dict[str, str]]) -> str:
    """Return a Markdown table: the mean score over the run for each variant and task."""
    tasks = [task.name for task in PANEL if any(key[1] == task.name for key in rows)]
    lines = ["| variant | " + " | ".join([*tasks, "mean", "seeds"]) + " |"]
    lines.append("|---|" + "---:|" * (len(tasks) + 2))
    for variant in VARIANTS:
        found = [
            [float(r["mean"]) for k, r in rows.items() if k[:2] == (variant, t)] for t in tasks
        ]
        if not any(found):
            continue
        means = [sum(f) / len(f) if f else float("nan") for f in found]
        cells = [f"{m:.2f}" for m in means] + [f"{sum(means) / len(means):.3f}"]
        seeds = sorted({len(f) for f in found})
        lines.append(f"| {variant} | " + " | ".join(cells) + f" | {'–'.join(map(str, seeds))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
