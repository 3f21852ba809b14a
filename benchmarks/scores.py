"""Measure the mean returns of the players in popgym.players in every environment.

    python benchmarks/scores.py [--episodes 1000] [--only TEXT] [--write]

It runs every player of every environment, from Easy to Hard and in all versions. It prints the mean
return ± its standard error over episodes, and how the player plays. TEXT is a part of "environment
player", such as MineSweeper, "Easy perfect" or " oracle". The same seed and number of episodes give
the same numbers.

--write writes each score to popgym/envs/scores.csv as soon as it is measured. Other rows stay,
except those of players and environments that no longer exist.
"""

import argparse
import time

import numpy as np

from popgym.envs.registry import ENTRIES, FAMILIES
from popgym.envs.scores import TABLE, Score, read_scores, write_scores
from popgym.players import play_episodes, players_of


def all_pairs():
    """Return all pairs of an environment and one of its players, in the order of the table."""
    entries = [entry for entry in ENTRIES.values() if entry.level]
    return [
        (entry, player)
        for family in FAMILIES
        for entry in entries
        if entry.family is family
        for player in players_of(entry.name)
    ]


def measure(entry, player, episodes, seed):
    """Play whole episodes and return their score."""
    played_by = players_of(entry.name)[player]
    returns = play_episodes(entry.task(), played_by, episodes, seed)
    error = returns.std(ddof=1) / np.sqrt(episodes)
    return Score(float(returns.mean()), float(error), episodes, played_by.how())


def record(entry, player, score):
    """Write a score into the table and keep its other rows."""
    scores = read_scores(TABLE) if TABLE.exists() else {}
    scores.setdefault(entry.name, {})[player] = score
    ordered = {}
    for known, name in all_pairs():
        if name in scores.get(known.name, {}):
            ordered.setdefault(known.name, {})[name] = scores[known.name][name]
    write_scores(TABLE, ordered)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--episodes", type=int, default=1000, help="episodes per player, at least 2"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help='part of "environment player"')
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--write", action="store_true", help="write the scores to popgym/envs/scores.csv"
    )
    arguments = parser.parse_args()
    chosen = [(e, p) for e, p in all_pairs() if arguments.only in f"{e.name} {p}"]
    if not chosen:
        parser.error(f"no environment and player match --only {arguments.only!r}")
    if arguments.episodes < 2 or arguments.seed < 0:
        parser.error("--episodes must be at least 2, and --seed at least 0")
    for entry, player in chosen:
        begin = time.perf_counter()
        score = measure(entry, player, arguments.episodes, arguments.seed)
        seconds = time.perf_counter() - begin
        print(
            f"{entry.name:34}{player:20}{score.mean:9.4f} ± {score.standard_error:.4f}"
            f"{seconds:8.1f} s   {score.how}",
            flush=True,
        )
        if arguments.write:
            record(entry, player, score)


if __name__ == "__main__":
    main()
