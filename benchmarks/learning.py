"""Measure how long ``popgym train`` takes to learn RepeatPreviousEasy, for several seeds.

Each seed is a run of the command with its default settings in a separate process. When the mean
return of an iteration exceeds .95, the run is ended with SIGINT, as by Ctrl-C.

    python benchmarks/learning.py [--seeds 10] [--target 0.95] [--set precision=bf16]

``training`` is the time since the first iteration, as in progress.csv. ``wall`` is the time since
the start of the command, including imports and setup.
"""

import argparse
import csv
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = "import sys; from popgym.cli import main; sys.exit(main())"
PATIENCE = 60  # seconds; the longest time that the command may take to end after SIGINT


def learn(seed, arguments, folder, deadline):
    """Make one run; return the row that passed the target, or else the best, and the wall time."""
    command = [sys.executable, "-c", COMMAND, "train", arguments.env, "--seed", str(seed)]
    command += ["--memory", arguments.memory, "--out", str(folder)]
    command += [part for text in arguments.set for part in ("--set", text)]
    command += ["--steps", str(arguments.steps)] if arguments.steps else []
    log, begin = folder.with_suffix(".log"), time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            while True:
                ended = process.poll() is not None
                row = latest(folder, arguments.target)
                wall = time.monotonic() - begin
                if ended or passed(row, arguments.target) or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
        finally:
            interrupt(process)
    if row is None and process.returncode not in (0, 130):
        raise SystemExit(f"seed {seed} failed:\n{log.read_text()}")
    return row, wall


def latest(folder, target):
    """Return the first row of progress.csv above the target, or else the best; None if no row."""
    try:
        text = (folder / "progress.csv").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    whole = text[: text.rfind("\n") + 1]  # the last line may be incomplete
    rows = [row for row in csv.DictReader(whole.splitlines()) if row["return_mean"]]
    above = [row for row in rows if passed(row, target)]
    return above[0] if above else max(rows, key=lambda row: float(row["return_mean"]), default=None)


def passed(row, target):
    return row is not None and float(row["return_mean"]) > target


def interrupt(process):
    """Send SIGINT and wait while the process writes its checkpoint."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def print_summary(solved, runs):
    if solved:
        columns = list(zip(*solved, strict=True))
        for label, pick in (("median", statistics.median), ("max", max)):
            steps, training, wall = (pick(column) for column in columns)
            print(f"{label:>8}{steps:12,.0f}{training:12.1f} s{wall:12.1f} s")
    print(f"{len(solved)} of {runs} seeds succeeded")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--env", default="RepeatPreviousEasy")
    parser.add_argument("--memory", default="frameconv")
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds, from 0")
    parser.add_argument("--target", type=float, default=0.95, help="mean return of an iteration")
    parser.add_argument("--steps", type=int, help="most steps of a run; default: the command's")
    parser.add_argument("--seconds", type=float, default=180, help="most seconds of a run")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(f"{arguments.env}, {arguments.memory}: until the return exceeds {arguments.target}")
    print(f"{'seed':>8}{'steps':>12}{'training':>14}{'wall':>14}{'return':>10}", flush=True)
    solved = []
    with tempfile.TemporaryDirectory(prefix="popgym-") as root:
        for seed in range(arguments.seeds):
            deadline = time.monotonic() + arguments.seconds
            row, wall = learn(seed, arguments, Path(root) / f"seed{seed}", deadline)
            if row is None:
                print(f"{seed:8}  no episode ended in {wall:.0f} s", flush=True)
                continue
            steps, seconds = int(row["steps"]), float(row["seconds"])
            success = passed(row, arguments.target)
            print(
                f"{seed:8}{steps:12,}{seconds:12.1f} s{wall:12.1f} s"
                f"{float(row['return_mean']):10.3f}{'' if success else '  best, failed'}",
                flush=True,
            )
            if success:
                solved.append((steps, seconds, wall))
    print_summary(solved, arguments.seeds)


if __name__ == "__main__":
    main()
