"""Trains every memory on three tasks: docs/results.csv, and docs/results.md made of it.

    python benchmarks/results.py [--memories NAME ...] [--environments NAME ...] [--seeds 2]

Notes each run as it ends; what the table has already is not trained again. All runs share
``SETTINGS``. The previous action is not shown to the agent, so that nothing but the memory carries
anything from one step to the next: on RepeatFirst an agent could pass the answer on to itself.

    python benchmarks/results.py --page     write docs/results.md and nothing else
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
    "minibatch_size": 2048,
    "epochs": 3,
    "lr": 1e-3,
    "previous_action": False,
    "threads": 1,
    "network": {"hidden_size": 64},
}
TIMED = ("linear_attention", "fwp", "deep_linear_attention", "deep_fwp")
"""Memories that add up what they see, in any order: POPGym gives them the time, as a sine."""
TEXT = """\
# What each memory scores

<!-- Written by benchmarks/results.py from results.csv. -->

Mean return of PPO after a million environment steps, the mean over runs with different seeds:
*best* is the highest of an iteration, the score of Morad et al. (2023), which chance favours,
*last* the mean over the last tenth of the iterations. All memories have the same settings, found
by three trials of gru on RepeatPreviousEasy and quick enough for two cores:

    {settings}

So memories have 64 hidden units, a quarter of the default, and learn at one rate; with others they
may well score more. The agent does not see its previous action: on RepeatFirst it could pass the
answer on to itself by giving it. Linear attention and fast weights, which add up what they see in
any order, are given the time of each step, as in POPGym (`embedding: sine`).

RepeatPrevious asks for the card of 3 steps before, RepeatFirst for the first of up to 51, and
PositionOnlyCartPole for a velocity, which two observations tell. *minutes* is what a run took on
one thread: an order of magnitude.

`python benchmarks/results.py` trains what the table lacks.
"""
SCORES = ("best", "last")
COLUMNS = ("memory", "environment", "seed", "steps", *SCORES, "minutes")


def read():
    """The rows that there are."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def note(row):
    """Adds a row; the table is in order of memory, environment and seed."""
    order = {name: index for index, name in enumerate((*MEMORIES, *ENVIRONMENTS))}
    rows = [*read(), {key: str(value) for key, value in row.items()}]
    rows.sort(key=lambda r: (order[r["memory"]], order[r["environment"]], int(r["seed"])))
    with replacing(TABLE) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def train(memory, environment, seed):
    """One run; its row."""
    begin = time.process_time()  # of one thread: what else the machine does is not counted
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
    """The lines of docs/results.md."""
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
    """A cell: best and last, the means over runs."""
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
