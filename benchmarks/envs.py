"""Measure steps per second of single environments and vector environments, in 1 and 2 threads.

    python benchmarks/envs.py [--only TEXT] [--rounds 5] [--peer PYTHON]

Columns: ``env`` is gymnasium.Env.step, including resets. ``N`` is VectorEnv.step of N environments
in one thread with next-step autoreset, and ``N in 2`` is the same in two threads. Each is the
median over the rounds, with the spread from slowest to fastest in brackets, in per cent of the
median. ``cold`` is the time from the start of a new process to the first step of an environment,
including imports and compilation. ``warm`` is the same with the code in numba's cache.

With --peer, the interpreter of a Python that has POPGym 1.0.7 takes turns with ours and plays its
single environment. ``env ÷ peer`` and ``4,096 ÷ peer`` are the median ratios of our speed to its
speed, with minimum and maximum over the rounds in brackets.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numba
import numpy as np

import popgym.envs

SIZES = (1, 64, 4096)
THREADS = 2
SECONDS = 0.15  # duration of one measurement

PEER = """
import sys, time, warnings
warnings.filterwarnings("ignore")
from popgym import envs
for line in sys.stdin:
    name, seconds = line.split()
    env = getattr(envs, name)()
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(64)]
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < float(seconds):
        for action in actions:
            if any(env.step(action)[2:4]):
                env.reset()
        steps += 64
    print(steps / (time.perf_counter() - begin), flush=True)
"""

FIRST_USE = """
import sys, time
begin = time.perf_counter()
import popgym.envs
env = getattr(popgym.envs, sys.argv[1])()
env.reset(seed=0)
env.step(env.action_space.sample())
print(time.perf_counter() - begin)
"""


def rate(step, per_call):
    """Return the steps per second of a function that makes ``per_call`` steps."""
    calls, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        for _ in range(16):
            step()
        calls += 16
    return calls * per_call / (time.perf_counter() - begin)


def single_player(name):
    env = popgym.envs.find(name).env_class()
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(64)]

    def step():
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return step, 64


def vector_player(name, num_envs, threads=False):
    env = popgym.envs.find(name).vector_class(num_envs, threads=threads)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(16)]

    def step():
        for action in actions:
            env.step(action)

    return step, 16 * num_envs


class Peer:
    """A process with POPGym 1.0.7 that makes one measurement at a time."""

    def __init__(self, python):
        self.process = subprocess.Popen(
            [python, "-I", "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rate(self, name):
        """Return its steps per second in one environment."""
        try:
            print(name, SECONDS, file=self.process.stdin, flush=True)
            return float(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            raise SystemExit("--peer: this interpreter cannot run POPGym 1.0.7") from None


def first_use(name, cache):
    """Return the seconds from the start of a new process to the first step."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", FIRST_USE, name]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(result.stdout)


def measure(name, rounds, peer):
    players = {"env": single_player(name)}
    players.update({f"{n:,}": vector_player(name, n) for n in SIZES})
    players.update({f"{n:,} in {THREADS}": vector_player(name, n, threads=True) for n in SIZES})
    for step, _ in players.values():
        step()  # compiles
    rates = {column: [] for column in players}
    theirs = []
    for _ in range(rounds):
        for column, player in players.items():
            rates[column].append(rate(*player))
        if peer:
            theirs.append(peer.rate(name))
    row = {column: summary(values) for column, values in rates.items()}
    if peer:
        row["POPGym 1.0.7"] = summary(theirs)
        for column in ("env", "4,096"):
            row[f"{column} ÷ peer"] = ratios(rates[column], theirs)
    with tempfile.TemporaryDirectory() as cache:
        row["cold"], row["warm"] = (f"{first_use(name, cache):.2f} s" for _ in range(2))
    return row


def ratios(ours, theirs):
    each = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return f"{statistics.median(each):.3g} [{each[0]:.3g}–{each[-1]:.3g}]"


def summary(rates):
    median = statistics.median(rates)
    spread = 100 * (max(rates) - min(rates)) / median
    unit, scale = ("M", 1e6) if median >= 1e6 else ("k", 1e3)
    return f"{median / scale:.3g} {unit} [{spread:.0f} %]"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="Easy", help="part of the names ('' for all; default Easy)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter with POPGym 1.0.7")
    arguments = parser.parse_args()
    peer = Peer(arguments.peer) if arguments.peer else None
    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    names = [row["name"] for row in popgym.envs.table() if arguments.only in row["name"]]
    if not names:
        parser.error(f"no environment has {arguments.only!r} in its name")
    print(f"numpy {np.__version__}, Python {sys.version.split()[0]}; steps per second", flush=True)
    for i, name in enumerate(names):
        row = measure(name, arguments.rounds, peer)
        if i == 0:
            print(f"{'':28}" + "".join(f"{column:>18}" for column in row))
        print(f"{name:28}" + "".join(f"{value:>18}" for value in row.values()), flush=True)


if __name__ == "__main__":
    main()
