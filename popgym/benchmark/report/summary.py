"""The head of the page: what was run, who leads, and what to know before comparing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from popgym.benchmark.reading import Results
from popgym.benchmark.report.grid import Grid
from popgym.benchmark.report.standings import Standing, verdict
from popgym.benchmark.statistics import confidence_note
from popgym.pages.markup import Html, join, tag
from popgym.pages.words import count, listed, span

if TYPE_CHECKING:
    import pandas as pd

_ORDER = ("done", "running", "stopped", "waiting", "failed")


def summary(results: Results, grid: Grid, ranked: Sequence[Standing]) -> Html:
    """Return the head of the page without its title."""
    trials = results.trials
    seeds = span(trials.groupby(["memory", "task"]).size())
    facts = [
        count(len(grid.memories), "memory", "memories"),
        count(len(grid.tasks), "task"),
        f"{seeds} {'seed' if seeds == '1' else 'seeds'}",
        f"{span(trials['budget'])} steps a trial",
    ]
    cautions = [tag("li", each) for each in _cautions(trials, grid, ranked)]
    return join([
        tag("p", " · ".join(facts), class_="facts"),
        tag("p", verdict(ranked), class_="verdict"),
        tag("ul", *cautions, class_="cautions") if cautions else "",
        _progress(trials),
    ])  # fmt: skip


def _progress(trials: pd.DataFrame) -> Html:
    """Return how many trials are done, running and so on, as a bar and in words."""
    counts = trials["status"].value_counts()
    statuses = sorted(counts.index, key=lambda s: _ORDER.index(s) if s in _ORDER else len(_ORDER))
    bars = [tag("i", class_=f"is-{s}", style=f"flex-grow:{counts[s]}") for s in statuses]
    keys = [
        tag("span", tag("i", class_=f"is-{s}", aria_hidden="true"), f"{counts[s]:,} {s}")
        for s in statuses
    ]
    bar = tag("div", *bars, class_="progress", aria_hidden="true")
    return join([bar, tag("p", "Trials: ", *keys, class_="facts keys")])


def _cautions(trials: pd.DataFrame, grid: Grid, ranked: Sequence[Standing]) -> Iterator[str]:
    """Yield what a reader must know before comparing."""
    if grid.scores and (note := confidence_note(grid.fewest_seeds)):
        most = max(map(len, grid.scores.values()))
        uneven = f"Some scores are of {count(grid.fewest_seeds, 'seed')} only. "
        yield note if most == grid.fewest_seeds else uneven + note
    missing = int((trials["status"] != "done").sum())
    if missing:
        yield (
            f"{count(missing, 'trial has', 'trials have')} no result. Averages are over those that "
            "have one, so they are over fewer seeds in some tasks."
        )
    if any(not each.complete for each in ranked):
        yield (
            "Memories that have no score in some task are listed last, because their averages are "
            "over other tasks."
        )
    budgets = trials.groupby("task")["budget"].nunique()
    differing = [str(task) for task in budgets.index[budgets > 1]]
    if differing:
        yield (
            f"Do not compare scores in {listed(differing)}: the trials made different numbers of "
            "steps."
        )
    if grid.raw_only:
        yield (
            f"Scores of {listed(grid.raw_only)} are shown raw and left out of all averages over "
            "tasks: their floor and ceiling are unknown, or too close to each other to normalise."
        )
