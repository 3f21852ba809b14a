"""Train every memory on three tasks, and write docs/results.csv and docs/results.md.

    python benchmarks/results.py [--memories NAME ...] [--environments NAME ...] [--seeds 2]

Each run is added to the table when it ends. Runs that are already in the table are not repeated.
All runs use ``SETTINGS``. The agent does not see its previous action, so that it can only remember
through its memory: on RepeatFirst it could otherwise repeat the answer at every step and read it
from its previous action.

    python benchmarks/results.py --page     only write docs/results.md
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from pathlib import Path

import popgym
from popgym.memory import MEMORIES
from popgym.runs.files import replacing

DOCS = Path(__file__).parent.parent / "docs"
TABLE, PAGE = DOCS / "results.csv", DOCS / "results.md"
ENVIRONMENTS = ("RepeatPreviousEasy", "RepeatFirstEasy", "PositionOnlyCartPoleEasy")
SETTINGS = {
    "steps": 1_000_000,
    "num_envs": 256,
    "rollout": 64,
    "minibatch_size": 2048,
    "epochs": 3,
    "lr": 1e-3,
    "normalise_rewards": False,
    "normalise_observations": False,
    "previous_action": False,
    "threads": 1,
    "network": {"hidden_size": 64},
}
TIMED = ("linear_attention", "fwp", "deep_linear_attention", "deep_fwp")
"""Memories that sum over their inputs in any order. POPGym gives them a sine time embedding."""
TEXT = """\
# What each memory scores

<!-- Written by benchmarks/results.py from results.csv. -->

The table shows mean returns of PPO after a million environment steps, averaged over runs with
different seeds. *best* is the highest mean return of an iteration. It is the score of Morad et al.
(2023), and it is biased upwards, because it is a maximum over noisy values. *last* is the mean over
the last tenth of the iterations. All memories use the same settings. They were chosen in three
trials with gru on RepeatPreviousEasy, and are fast enough for two cores:

    {settings}

The default settings of `popgym train` were chosen later and need a tenth of the steps on some
tasks, see [training.md](training.md). So this table compares memories, not what can be reached.

All memories have 64 hidden units, a quarter of the default, and the same learning rate. With
other settings their scores may be higher. The agent does not see its previous action: on
RepeatFirst it could otherwise repeat the answer at every step and read it from its previous action.
Linear attention and fast weights sum over their inputs in any order. As in POPGym, they get a time
embedding (`embedding: sine`).

RepeatPrevious asks for the card shown 3 steps before, and RepeatFirst for the first of up to 51
cards. PositionOnlyCartPole hides the velocities, which two consecutive observations determine.
*runs* is the number of runs on each task. *minutes* is the time of a run on one thread, as an order
of magnitude.

`python benchmarks/results.py` trains the runs that are missing in the table.
"""
SCORES = ("best", "last")
COLUMNS = ("memory", "environment", "seed", "steps", *SCORES, "minutes")


def read():
    """Return the rows of the table."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def note(row):
    """Add a row and keep the table in the order of memory, environment and seed."""
    order = {name: index for index, name in enumerate((*MEMORIES, *ENVIRONMENTS))}
    rows = [*read(), {key: str(value) for key, value in row.items()}]
    rows.sort(key=lambda r: (order[r["memory"]], order[r["environment"]], int(r["seed"])))
    with replacing(TABLE) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def train(memory, environment, seed):
    """Train one run and return its row."""
    begin = time.process_time()  # CPU time of one thread, without other programs
    timed = {"embedding": "sine"} if memory in TIMED else {}
    settings = {**SETTINGS, "network": {**SETTINGS["network"], **timed}}
    with tempfile.TemporaryDirectory() as folder:
        run = popgym.train(
            environment, memory, out=Path(folder) / "run", progress=False, seed=seed, **settings
        )
        if run.interrupted:
            raise KeyboardInterrupt
        rows = run.rows
    returns = [row["return_mean"] for row in rows if row["return_mean"] is not None]
    last = returns[-max(1, len(returns) // 10) :]
    minutes = (time.process_time() - begin) / 60
    scores = {"best": f"{max(returns):.3f}", "last": f"{statistics.mean(last):.3f}"}
    row = {"memory": memory, "environment": environment, "seed": seed, "steps": rows[-1]["steps"]}
    return row | scores | {"minutes": f"{minutes:.1f}"}


def page():
    """Yield the lines of docs/results.md."""
    settings = {**SETTINGS, "network": json.dumps(SETTINGS["network"])}
    yield TEXT.format(settings=" ".join(f"{key}={value}" for key, value in settings.items()))
    yield (
        "| | " + " | ".join(f"{name}, best / last" for name in ENVIRONMENTS) + " | runs | minutes |"
    )
    yield "|---|" + "---|" * (len(ENVIRONMENTS) + 2)
    rows = read()
    for memory in dict.fromkeys(row["memory"] for row in rows):
        runs = [row for row in rows if row["memory"] == memory]
        cells = [scores([r for r in runs if r["environment"] == name]) for name in ENVIRONMENTS]
        count = " + ".join(str(sum(r["environment"] == n for r in runs)) for n in ENVIRONMENTS)
        minutes = statistics.mean(float(row["minutes"]) for row in runs)
        yield "| " + " | ".join([memory, *cells, count, f"{minutes:.1f}"]) + " |"
    missing = [name for name in MEMORIES if all(row["memory"] != name for row in rows)]
    if missing:
        yield f"\nNot trained yet: {', '.join(missing)}."


def scores(runs):
    """Return a cell: best and last, each the mean over runs."""
    if not runs:
        return "–"
    return " / ".join(f"{statistics.mean(float(r[key]) for r in runs):.3f}" for key in SCORES)


def write_page():
    PAGE.write_text("\n".join(page()) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", nargs="+", choices=MEMORIES, metavar="NAME")
    parser.add_argument("--environments", nargs="+", choices=ENVIRONMENTS, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only write docs/results.md")
    arguments = parser.parse_args()
    if arguments.page:
        return write_page()
    for seed in range(arguments.seeds):
        for memory in arguments.memories or MEMORIES:
            for environment in arguments.environments or ENVIRONMENTS:
                done = {(r["memory"], r["environment"], r["seed"]) for r in read()}
                if (memory, environment, str(seed)) not in done:
                    row = train(memory, environment, seed)
                    note(row)
                    write_page()
                    print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
