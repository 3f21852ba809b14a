"""Measure how long PPO with a memory trains until it reaches a score: popgym and other libraries.

The score is the mean return of the last 100 finished training episodes. Seconds and environment
steps are counted from the first environment step to the end of the episode that reaches the score.
Imports, setup and compilation come before and are the column ``startup``. Every run is a process of
its own with one torch thread.

    make peers      installs stable-baselines3 and sb3-contrib into .venv-peers
    python benchmarks/time_to_score.py [--rows NAME ...] [--contestants NAME ...] [--seeds 5]
    python benchmarks/time_to_score.py --table     prints the table of the runs so far

Each run is added to a CSV file when it ends. Runs in the file are not repeated, unless they
crashed. The file that is there has the runs of docs/speed.md, made with ``--seconds 60``. Another
``--out`` begins a new file, for example after a change of ``--seconds`` or on another machine.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from popgym.runs.rollout_length import with_rollout
from popgym.runs.settings import Settings
from popgym.runs.source import source_of

HERE = Path(__file__).parent
ROOT = HERE.parent
TARGETS = {
    "RepeatPreviousEasy": 0.95,
    "RepeatFirstEasy": 0.95,
    "PositionOnlyCartPoleEasy": 0.95,
    "CartPole-v1": 475.0,
    "Pendulum-v1": -250.0,
}
OURS = "popgym_gru"
TITLES = {
    "popgym_frameconv": "popgym, frameconv",
    OURS: "popgym, gru",
    "rllib": "RLlib, LSTM",
    "sb3": "sb3-contrib RecurrentPPO",
    "cleanrl": "PyTorch file as in CleanRL, LSTM",
}
ROWS_OF_FRAMECONV = ("RepeatPreviousEasy",)
SHARED = ("num_envs", "rollout", "minibatch_size", "epochs", "lr", "gamma", "gae_lambda")
"""Settings of popgym that the peers have too."""
KEY = ("environment", "contestant", "settings", "seed")
COLUMNS = (
    *KEY, "target", "reached", "seconds", "steps", "episodes", "mean_return", "startup",
    "max_seconds", "max_steps", "error",
)  # fmt: skip
STARTUP = 300  # seconds; the longest time for imports, setup, and an update that is under way


# ---- the runs


def plan(rows, contestants, seeds):
    """Return the keys of all runs; every row gets its first seed before any gets its second."""
    keys = []
    for seed in range(seeds):
        for row in rows:
            for name in contestants:
                if name == "popgym_frameconv" and row not in ROWS_OF_FRAMECONV:
                    continue
                own = ("own",) if name.startswith("popgym") else ("own", "popgym")
                keys += [(row, name, settings, str(seed)) for settings in own]
    return keys


def job_of(key, arguments):
    """Return what the process of a run is told."""
    environment, contestant, settings, seed = key
    ours = with_rollout(Settings(environment), source_of(environment)).resolved()
    return {
        "environment": environment,
        "contestant": contestant,
        "settings": settings,
        "seed": int(seed),
        "target": TARGETS[environment],
        "max_seconds": arguments.seconds,
        "max_steps": arguments.steps,
        "popgym": {name: getattr(ours, name) for name in SHARED},
    }


class Processes:
    """Starts the processes of runs, and ends those that are left."""

    def __init__(self):
        self._live, self._lock = set(), threading.Lock()
        self.stopped = False

    def run(self, python, job):
        """Return the result of a run in its own process; a crash is a result with ``error``."""
        paths = [str(HERE), str(ROOT), os.environ.get("PYTHONPATH", "")]
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
        environ = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [python, "-m", "peers.to_score", json.dumps(job)]
        with self._lock:
            if self.stopped:
                return None
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                command, stdout=pipe, stderr=pipe, text=True, env=environ, start_new_session=True
            )
            self._live.add(process)
        try:
            out, error = process.communicate(timeout=job["max_seconds"] + STARTUP)
        except subprocess.TimeoutExpired:
            end(process)
            process.communicate()
            return {"reached": False, "error": "did not end"}
        finally:
            self._live.discard(process)
        if process.returncode:
            last = (error.strip() or "no message").splitlines()[-1]
            return {"reached": False, "error": f"exit code {process.returncode}: {last}"}
        return json.loads(out.strip().splitlines()[-1])

    def stop(self):
        """End all processes; none is started afterwards."""
        with self._lock:
            self.stopped = True
            for process in list(self._live):
                end(process)


def end(process):
    """End a process and those that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def measure(keys, arguments):
    """Make the runs that are not in the file yet."""
    done = finished(read(arguments.out))
    processes, lock = Processes(), threading.Lock()

    def one(key):
        job = job_of(key, arguments)
        python = arguments.peers if job["contestant"] == "sb3" else sys.executable
        result = processes.run(python, job)
        if result is not None and not processes.stopped:
            with lock:
                append(arguments.out, job | result)
                print(line(job | result), flush=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            runs = [pool.submit(one, key) for key in keys if key not in done]
            for run in runs:
                while not run.done():
                    time.sleep(0.1)
                run.result()
        except BaseException:
            processes.stop()
            pool.shutdown(cancel_futures=True)
            raise


def line(row):
    """Return what is printed about a run that has ended."""
    name = f"{row['environment']:26}{row['contestant']:18}{row['settings']:8}{row['seed']:3}"
    if row.get("error"):
        return f"{name}  {row['error']}"
    mean = "no episode" if row["mean_return"] is None else f"{row['mean_return']:.3f}"
    text = f"{name}{row['seconds']:9.1f} s{row['steps']:10,} steps  mean return {mean}"
    return f"{text}, startup {row['startup']:.1f} s{'' if row['reached'] else ', not reached'}"


# ---- the file


def read(path):
    """Return the rows of the file; none if there is no file.

    A last line that was not written to its end is left out.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def append(path, row):
    """Add a row to the file, after removing a last line that was not written to its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        if not whole:
            writer.writeheader()
        writer.writerow(row)


def finished(rows):
    """Return the keys of the runs that need not be repeated: all that did not crash."""
    return {tuple(row[name] for name in KEY) for row in rows if not row["error"]}


# ---- the table


def table(rows):
    """Yield the lines of the table in Markdown."""
    latest = {tuple(row[name] for name in KEY): row for row in rows}  # a repeated run counts once
    groups = {}
    for row in latest.values():
        groups.setdefault((row["environment"], row["contestant"], row["settings"]), []).append(row)
    yield (
        "| score | implementation | settings | seconds, median (min–max) | steps, median "
        "| reached | time ÷ popgym, gru |"
    )
    yield "|---|---|---|---|---|---|---|"
    order = [list(TARGETS), list(TITLES), ["own", "popgym"]]
    places = [{name: index for index, name in enumerate(names)} for names in order]
    for group in sorted(groups, key=lambda key: [p[k] for p, k in zip(places, key, strict=True)]):
        environment, contestant, settings = group
        ours = groups.get((environment, OURS, "own"), [])
        cells = [f"{environment}, {TARGETS[environment]:g}", TITLES[contestant]]
        whose = "popgym's" if settings == "popgym" else "its own"
        yield "| " + " | ".join([*cells, whose, *numbers(groups[group], ours)]) + " |"


def numbers(runs, ours):
    """Return the cells of seconds, steps, number reached and ratio to popgym's ``ours``."""
    crashed = sum(bool(run["error"]) for run in runs)
    runs = [run for run in runs if not run["error"]]
    good = [run for run in runs if run["reached"] == "True"]
    count = f"{len(good)} of {len(runs) + crashed}" + (f", {crashed} crashed" if crashed else "")
    if not runs:
        return "–", "–", count, "–"
    seconds, steps = median(runs, "seconds"), median(runs, "steps")
    return span(runs, good, seconds), shown(steps, ",.0f"), count, ratio(seconds, ours)


def median(runs, column):
    """Return the median of a column, and whether it is only a lower bound.

    A run that did not reach the score would have taken longer than all that did.
    """
    values = sorted((run["reached"] != "True", float(run[column])) for run in runs)
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return statistics.mean([low[1], high[1]]), low[0] or high[0]


def span(runs, good, middle):
    """Return the cell of seconds: median, minimum and maximum of the runs that got there."""
    if not good:
        longest = max(runs, key=lambda run: float(run["seconds"]))
        return f"not reached in {float(longest['seconds']):.0f} s / {int(longest['steps']):,} steps"
    taken = [float(run["seconds"]) for run in good]
    last = f"{max(taken):.1f}" if len(good) == len(runs) else "not reached"
    return f"{shown(middle, '.1f')} ({min(taken):.1f}–{last})"


def shown(value, form):
    number, is_bound = value
    return f"{'> ' if is_bound else ''}{number:{form}}"


def ratio(seconds, ours):
    """Return how many times as long as popgym's median the median is."""
    ours = [run for run in ours if not run["error"]]
    if not ours:
        return "–"
    base, base_is_bound = median(ours, "seconds")
    return "–" if base_is_bound else shown((seconds[0] / base, seconds[1]), ".2f")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--rows", nargs="+", choices=TARGETS, default=list(TARGETS), metavar="NAME")
    add("--contestants", nargs="+", choices=TITLES, default=list(TITLES), metavar="NAME")
    add("--seeds", type=int, default=5, help="number of seeds, from 0")
    add("--seconds", type=float, default=120, help="most seconds of a run")
    add("--steps", type=int, default=Settings.steps, help="most environment steps of a run")
    add("--jobs", type=int, choices=(1, 2), default=1, help="runs at the same time")
    add("--out", type=Path, default=HERE / "time_to_score.csv", metavar="FILE")
    add("--peers", default=str(ROOT / ".venv-peers/bin/python"), help="Python with sb3-contrib")
    add("--table", action="store_true", help="only print the table")
    arguments = parser.parse_args()
    if arguments.table:
        print("\n".join(table(read(arguments.out))))
        return
    if "sb3" in arguments.contestants and not Path(arguments.peers).exists():
        parser.error(f"there is no {arguments.peers}: run `make peers`, or leave sb3 out")
    measure(plan(arguments.rows, arguments.contestants, arguments.seeds), arguments)


if __name__ == "__main__":
    main()
