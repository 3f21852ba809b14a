"""The sections of the page in their order, each with what a reader needs to understand it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from popgym.benchmark.reading import COLUMNS, Results
from popgym.benchmark.report.grid import Grid
from popgym.benchmark.report.provenance import provenance
from popgym.benchmark.report.published import best_published
from popgym.benchmark.report.remembering import remembering
from popgym.benchmark.report.sections import all_scores, failures, heat_map, leaderboard
from popgym.benchmark.report.standings import Standing
from popgym.pages.frame import Chapter, figure
from popgym.pages.markup import Html, join, tag

_NO_SCORE = tag("p", "No finished trial has a score that can be normalised.")


def chapters(
    results: Results, grid: Grid, ranked: Sequence[Standing], data: Mapping[str, Any]
) -> list[Chapter]:
    """Return the sections.

    Args:
        results: What is reported.
        grid: Its scores.
        ranked: The memories with normalised scores.
        data: What ``plots.js`` draws.
    """
    trials = results.trials
    inspected = remembering(trials)
    found = [] if inspected is None else [Chapter("memory", "Does it remember?", inspected)]
    return [
        Chapter("leaderboard", "Leaderboard", _leaderboard(ranked, grid)),
        Chapter("tasks", "Memories and tasks", _heat(grid)),
        Chapter("curves", "Learning curves", _curves(data)),
        Chapter("profiles", "Performance profiles", _profiles(data)),
        Chapter("costs", "Score and cost", _costs(data)),
        *found,
        Chapter("scores", "All scores", _scores(results, grid)),
        Chapter("failed", "Failed trials", failures(trials)),
        Chapter("origin", "Origin of the results", provenance(trials, results.about)),
    ]


# ---- tables


def _leaderboard(ranked: Sequence[Standing], grid: Grid) -> Html:
    if not ranked:
        return _NO_SCORE
    text = (
        f"The score is the {COLUMNS[grid.score]}. It is normalised for each task: 0 is the best "
        "known play without memory, 1 is the best known play. The interquartile mean (IQM) is the "
        "mean of the middle half of all runs, so that single failed or lucky runs hardly move it. "
        "Brackets and bars are 95 % intervals from a bootstrap over seeds."
    )
    return join([tag("p", text), leaderboard(ranked, grid)])


def _heat(grid: Grid) -> Html:
    text = (
        "Mean normalised score over seeds. A score is bold if the memory is better than each of "
        "the others in this task by more than chance: the 95 % intervals of all differences, "
        "corrected for their number, exclude zero."
    )
    scale = tag("span", class_="scale", aria_hidden="true")
    legend = tag("p", "floor, 0 ", scale, " 1, ceiling", class_="facts")
    return join([tag("p", text), legend, heat_map(grid)])


def _scores(results: Results, grid: Grid) -> Html:
    """Return the table of all scores, with a field that filters its rows."""
    text = (
        "Means over seeds, with 95 % intervals where there are several. * The published scores "
        "are the best of Morad et al. 2023 after 15 M steps. They were copied second hand and not "
        "checked against the paper. Compare them only to MMER, and only if the trials made as "
        "many steps."
    )
    field = tag(
        "label", "Show only tasks or memories with ", tag("input", type="search", id="filter")
    )
    found = all_scores(results.trials, grid, best_published())
    return join([tag("p", text), tag("p", field, class_="controls"), found])


# ---- figures

_FEW = 8  # memories
_CHIPS = tag("div", class_="chips", role="group", aria_label="Memories shown")


def _curves(data: Mapping[str, Any]) -> Html:
    if not any(task["curves"] for task in data["tasks"]):
        return tag("p", "No trial has a learning curve yet.")
    text = (
        "Mean episode return of training, averaged over seeds; bands are 95 % intervals of that "
        "mean, which the box switches on and off. Dotted lines are the floor and the ceiling of "
        "the task. Against time, a curve is placed at the mean training time of its seeds."
    )
    options = [tag("option", task["name"], value=i)
               for i, task in enumerate(data["tasks"]) if task["curves"]]  # fmt: skip
    axes = [tag("label", tag("input", type="radio", name="axis", value=value,
                             checked="" if value == "steps" else None), name)
            for value, name in (("steps", "steps"), ("seconds", "training time"))]  # fmt: skip
    bands = "" if len(data["memories"]) <= _FEW else None  # many bands hide each other
    controls = tag(
        "div",
        tag("label", "Task ", tag("select", *options, id="task")),
        tag("fieldset", tag("legend", "against"), *axes),
        tag("label", tag("input", type="checkbox", id="bands", checked=bands), "intervals"),
        class_="controls",
    )
    multiples = tag("div", id="multiples", class_="multiples")
    title = tag("h3", "All tasks")
    return join([tag("p", text), controls, _CHIPS, figure("curve", "tall"), title, multiples])


def _profiles(data: Mapping[str, Any]) -> Html:
    if not data["profiles"]:
        return _NO_SCORE
    text = (
        "The share of runs, over all tasks and seeds, whose normalised score is above each "
        "threshold. A curve that lies above another everywhere belongs to the better memory. "
        "Bands are 95 % intervals."
    )
    return join([tag("p", text), _CHIPS, figure("profile", "tall")])


def _costs(data: Mapping[str, Any]) -> Html:
    if not data["costs"]:
        return _NO_SCORE
    text = (
        "Interquartile mean against the median of the trials' parameters, numbers in the memory's "
        "state, and training time. Vertical lines are 95 % intervals. Better memories are higher, "
        "cheaper ones further left."
    )
    plots = [figure(name, "short") for name in ("parameters", "state_size", "seconds")]
    return join([tag("p", text), _CHIPS, tag("div", *plots, class_="three")])
