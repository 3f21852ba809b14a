"""The tables of the page: the leaderboard, the heat map, all scores of each task, failed trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from popgym.benchmark.report.grid import Grid
from popgym.benchmark.report.published import Published
from popgym.benchmark.report.standings import Standing, chance_in_words
from popgym.benchmark.statistics import Estimate, mean, normalise
from popgym.pages.markup import Cell, Column, Html, breakable, join, table, tag
from popgym.pages.words import UNKNOWN, count, interval, number, size, span
from popgym.runs.progress import duration

if TYPE_CHECKING:
    import pandas as pd

# ---- leaderboard


def leaderboard(standings: Sequence[Standing], grid: Grid) -> Html:
    """Return the table of the memories' aggregates, the best first."""
    columns = [
        Column("Memory"),
        Column("IQM", "number wide", "interquartile mean of the normalised scores of all runs; "
               "higher is better", order="descending"),
        Column("Optimality gap", "number wide", "how far runs fall short of 1 on average; lower "
               "is better"),
        Column("Mean", "number wide", "mean of the normalised scores; higher is better"),
        Column("Leader is better", "number", "how often a run of the first memory beats one of "
               "this, averaged over tasks; 50 % means equally good"),
        Column("Tasks", "number", "tasks with a normalised score"),
        Column("Seeds", "number", "finished trials of each task"),
    ]  # fmt: skip
    rows = [_ranked(each, len(grid.normalisable)) for each in standings]
    return table("Normalised scores over all tasks, with 95 % intervals", columns, rows,
                 name="ranking")  # fmt: skip


def _ranked(each: Standing, tasks: int) -> list[Cell]:
    name: list[Html] = [breakable(each.memory)]
    if not each.complete:
        name.append(tag("small", " not comparable: tasks are missing"))
    chance = each.beaten.value if each.beaten else math.nan
    return [
        Cell(join(name), each.memory),
        _with_bar(each.iqm), _with_bar(each.gap), _with_bar(each.mean),
        Cell(chance_in_words(each), chance, "number"),
        Cell(f"{each.tasks} of {tasks}", each.tasks, "number"),
        Cell(span(each.seeds), each.seeds[0], "number"),
    ]  # fmt: skip


def _with_bar(estimate: Estimate) -> Cell:
    """Return a cell with the estimate in digits, and drawn between 0 and 1."""
    low, high = (estimate.value if math.isnan(x) else x for x in estimate[1:])
    low, value, high = (100 * min(max(x, 0.0), 1.0) for x in (low, estimate.value, high))
    place = f"--low:{low:.1f}%;--value:{value:.1f}%;--high:{high:.1f}%"
    bar = tag("span", class_="bar", style=place, aria_hidden="true")
    return Cell(join([tag("span", interval(estimate)), bar]), estimate.value, "number wide")


# ---- heat map


def heat_map(grid: Grid) -> Html:
    """Return the mean scores of tasks (rows) and memories (columns), shaded from floor to ceiling.

    Tasks without a floor and a ceiling have raw scores and no shade.
    """
    rows = [*grid.normalisable, *grid.raw_only]
    columns = [Column("Task"), *(Column(memory, "number name") for memory in grid.memories)]
    caption = "Mean normalised score of each task: 0 is the floor, 1 the ceiling"
    return table(caption, columns, [_heat_row(grid, task) for task in rows], name="heat-map")


def _heat_row(grid: Grid, task: str) -> list[Cell]:
    raw = task not in grid.bounds
    name = join([breakable(task), tag("small", " raw") if raw else ""])
    best = grid.best(task)
    return [Cell(name, task), *(_heat(grid, m, task, bold=m == best) for m in grid.memories)]


def _heat(grid: Grid, memory: str, task: str, bold: bool) -> Cell:
    scores = grid.scores.get((memory, task))
    if scores is None:
        return Cell(UNKNOWN, math.nan, "number none", "no finished trial")
    raw = float(scores.mean())
    bounds = grid.bounds.get(task)
    value = float(normalise(scores, *bounds).mean()) if bounds else raw
    text = tag("strong" if bold else "span", number(value, 2))
    if not bounds:
        return Cell(text, value, "number raw")
    shade = min(max(value, 0.0), 1.0)
    kind = "number heat strong" if shade > 0.7 else "number heat"
    inside = tag("span", text, style=f"--shade:{shade:.2f}")
    return Cell(inside, value, kind, f"{memory}, {task}: raw mean {number(raw)}")


# ---- all scores


def all_scores(trials: pd.DataFrame, grid: Grid, published: dict[str, Published]) -> Html:
    """Return a table with a row for each task and memory, and every kind of score."""
    done = trials[trials["status"] == "done"]
    groups = {(str(task), str(memory)): found
              for (task, memory), found in done.groupby(["task", "memory"])}  # fmt: skip
    rows = [
        _scores_row(task, memory, groups[task, memory], grid, published.get(task))
        for task in grid.tasks
        for memory in grid.memories
        if (task, memory) in groups
    ]
    columns = [
        Column("Task"), Column("Memory"), Column("Seeds", "number"),
        Column("Final, greedy", "number", "mean return of 200 episodes with the most probable "
               "actions, with the 95 % interval over seeds"),
        Column("Final, sampled", "number", "the same with sampled actions"),
        Column("Last tenth", "number", "mean return in the last tenth of training"),
        Column("MMER", "number", "highest mean return of an iteration; biased upwards"),
        Column("MMER − excess", "number", "less what the maximum adds by chance, estimated"),
        Column("Published MMER", "number", "best of Morad et al. 2023, copied second hand"),
        Column("Floor", "number", "best known play without memory"),
        Column("Ceiling", "number", "best known play"),
    ]  # fmt: skip
    return table("All scores, as mean over seeds", columns, rows, name="score-table")


def _scores_row(
    task: str, memory: str, rows: pd.DataFrame, grid: Grid, best: Published | None
) -> list[Cell]:
    columns = ["final_mean", "sampled_mean", "last_tenth", "mmer"]
    scores = [rows[column].to_numpy(float) for column in columns]
    less = rows["mmer"].to_numpy(float) - rows["mmer_excess"].to_numpy(float)
    floor, ceiling = grid.bounds.get(task, (math.nan, math.nan))
    return [
        Cell(breakable(task), task),
        Cell(breakable(memory), memory),
        Cell(len(rows), len(rows), "number"),
        *(_mean_cell(values) for values in (*scores, less)),
        _published_cell(best),
        Cell(number(floor), floor, "number"), Cell(number(ceiling), ceiling, "number"),
    ]  # fmt: skip


def _mean_cell(values: np.ndarray) -> Cell:
    known = values[np.isfinite(values)]
    if not len(known):
        return Cell(UNKNOWN, math.nan, "number")
    found = mean(known)
    text = [number(found.value)]
    if not math.isnan(found.low):
        text.append(tag("small", f" [{number(found.low, 2)}, {number(found.high, 2)}]"))
    return Cell(join(text), found.value, "number")


def _published_cell(best: Published | None) -> Cell:
    if best is None:
        return Cell(UNKNOWN, math.nan, "number")
    text = join([number(best.score), tag("small", f" {best.model}*")])
    return Cell(text, best.score, "number", best.source)


# ---- trials that are not finished


def failures(trials: pd.DataFrame) -> Html:
    """Return the table of failed trials with their errors."""
    failed = trials[trials["status"] == "failed"]
    if failed.empty:
        return tag("p", "No trial failed.")
    columns = [Column("Trial"), Column("Error"), Column("Steps", "number"),
               Column("Time", "number")]  # fmt: skip
    rows = [
        [Cell(breakable(row.trial), row.trial),
         Cell(tag("pre", row.error or "not recorded"), row.error),
         Cell(size(row.steps), float(row.steps), "number"), _time(float(row.seconds))]
        for row in failed.itertuples()
    ]  # fmt: skip
    return table(count(len(failed), "failed trial"), columns, rows, name="failures")


def _time(seconds: float) -> Cell:
    text = duration(seconds) if math.isfinite(seconds) else UNKNOWN
    return Cell(text, seconds, "number")
