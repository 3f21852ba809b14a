"""Measure the learner: samples per second at small and large minibatches, one thread.

    python benchmarks/updates.py [--against CHECKOUT] [--rounds 5]

Each figure is of the whole update of a rollout, as in training: advantages, forward and backward
passes, clipping and Adam, in processor time. With --against, another checkout of popgym is measured
in turn with this one, and the ratio is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent
MEMORIES = ("frameconv", "gru", "lru")
SIZES = {256: (64, 16), 512: (64, 16), 2048: (256, 64), 8192: (256, 64)}
"""Steps in a minibatch -> environments and steps of the rollout."""


def main():
    """Print the table, or one process's figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memories", nargs="*", default=MEMORIES)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    checkouts = [HERE, *([given.against.resolve()] if given.against else [])]
    print(
        "| memory | minibatch | samples/s |" + " before | ratio (min-max) |" * (len(checkouts) - 1)
    )
    print("|---|---:|---:|" + "---:|---:|" * (len(checkouts) - 1))
    for memory in given.memories:
        rounds = [[run(folder, memory) for folder in checkouts] for _ in range(given.rounds)]
        for size in SIZES:
            print(line(memory, size, [[each[str(size)] for each in one] for one in rounds]))


def line(memory, size, rounds):
    """Return a row of the table; ``rounds`` holds the figures of each round by checkout."""
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    cells = [memory, f"{size:,}", *(f"{m:,.0f}" for m in medians)]
    if len(medians) > 1:
        ratios = [now / before for now, before in rounds]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
    return f"| {' | '.join(cells)} |"


def run(folder, memory):
    """Measure a memory with the package in a folder, in a process of its own."""
    command = [sys.executable, __file__, "--measure", memory]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(memory):
    """Return samples per second by size of the minibatch."""
    import time

    import torch
    from ray.rllib.core.learner.training_data import TrainingData

    from popgym.baselines.build import running_algorithm
    from popgym.baselines.ppo.learner import as_batch
    from popgym.runs.settings import Settings

    found = {}
    for size, (envs, rollout) in SIZES.items():
        chosen = {"num_envs": envs, "rollout": rollout, "minibatch_size": size, "threads": 1}
        settings = Settings("RepeatPreviousEasy", memory, **chosen).resolved()
        with running_algorithm(settings) as algorithm:
            torch.set_num_threads(1)
            algorithm.train()
            (played,) = algorithm.env_runner.sample()
            seconds = []
            for _ in range(3 if size > 1000 else 8):
                data = TrainingData(batch=as_batch(played))
                began = time.process_time()
                algorithm.learner_group._learner.update(
                    training_data=data, num_epochs=1, minibatch_size=size
                )
                seconds.append(time.process_time() - began)
        found[size] = envs * rollout / statistics.median(seconds)
    return found


if __name__ == "__main__":
    main()
