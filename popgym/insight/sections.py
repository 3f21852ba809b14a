"""The sections of an inspection's page, each with what a reader needs to understand it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from popgym.insight.inspection import Inspection
from popgym.insight.probes import Probed
from popgym.pages.frame import Chapter, figure
from popgym.pages.markup import Cell, Column, Html, join, table, tag
from popgym.pages.words import UNKNOWN, count, interval, number, percent

_N = "number"
# Title of a section, its text, and its figures with what each shows.
_TEXTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "effect": (
        "Effect of the past",
        "One observation of a recorded episode is replaced by another plausible one, and the "
        "memory runs on with the recorded actions. The effect is how much the policy then differs "
        "some steps later: 0 if it does not care, 1 if it would do something entirely different. "
        "Bands are 95 % intervals over episodes.",
        {
            "effect-variation": "Total variation distance of the action distributions, by lag",
            "effect-divergence": "Kullback–Leibler divergence of the action distributions, by lag",
            "effect-value": "Change of the value in the units of the critic, by lag",
        },
    ),
    "worth": (
        "What memory is worth",
        "The policy plays with its memory cleared after every n steps; with n = 1 it sees only "
        "the current step. Dotted lines are the return with the memory as it is, and the floor "
        "and the ceiling of the task where they are known.",
        {"worth": "Mean return over how often the memory is cleared"},
    ),
    "saliency": (
        "Saliency",
        "The norm of the gradient of what the policy says with respect to each past input of the "
        "memory. It is local: it tells what an infinitely small change would do. A policy that is "
        "sure of its action has almost no gradient.",
        {
            "saliency-policy": "Gradient of the logarithm of the action's probability, by lag",
            "saliency-value": "Gradient of the value, by lag",
        },
    ),
    "reach": (
        "What the memory could see",
        "How fast the derivative of the memory's output with respect to an earlier input decays, "
        "before and after training. Where a line ends, there is no dependence.",
        {"reach": "Norm of the derivative, by lag"},
    ),
    "training": (
        "Over training",
        "Horizon and worth of the policies that were kept during training.",
        {
            "horizon-training": "Memory horizon over the steps of training",
            "worth-training": "Worth of memory, as a fraction, over the steps of training",
        },
    ),
}


def verdicts(found: Sequence[Inspection]) -> Iterator[str]:
    """Yield a sentence about each policy."""
    for each in found:
        parts = []
        if each.effect is not None:
            steps = each.effect.horizon.steps
            parts.append(
                "nothing that it saw changes what it does" if math.isnan(steps) else
                f"90 % of the effect of what it saw lies within {count(int(steps), 'step')}"
            )  # fmt: skip
        if each.worth is not None:
            parts.append(f"memory earns {percent(each.worth.fraction)} of {each.worth.fraction_of}")
        yield f"{each.name}: {', '.join(parts) or 'see below'}."


def sections(found: Sequence[Inspection], figures: Mapping[str, Any]) -> list[Chapter]:
    """Return the sections.

    Args:
        found: What was found.
        figures: The figures by name; a section without any is left out.
    """
    made = [Chapter("summary", "Summary", _summary(found))]
    made += _of_texts(figures, "effect")
    made += _heat_maps(found, figures)
    made += _of_texts(figures, "worth", _variants(found))
    made += _probes(found, figures)
    for name in ("saliency", "reach", "training"):
        made += _of_texts(figures, name)
    return [*made, Chapter("origin", "How it was inspected", _origin(found))]


def _of_texts(figures: Mapping[str, Any], name: str, more: Html | str = "") -> Iterator[Chapter]:
    title, text, shown = _TEXTS[name]
    there = [(each, caption) for each, caption in shown.items() if each in figures]
    if there:
        (first, caption), *others = there
        beside = [figure(each, "short", words) for each, words in others]
        rest = tag("div", *beside, class_="three") if beside else ""
        yield Chapter(
            name, title, join([tag("p", text), figure(first, "tall", caption), rest, more])
        )


def _summary(found: Sequence[Inspection]) -> Html:
    columns = [
        Column("policy"), Column("environment"), Column("memory"),
        Column("horizon", _N, "lag within which 90 % of the effect on the actions lies"),
        Column("return", _N, "mean return with the memory as it is"),
        Column("without", _N, "mean return with the memory cleared before every step"),
        Column("worth", _N, "what memory earns, as a fraction"),
        Column("receptive field", _N, "inputs on which an output can depend"),
    ]  # fmt: skip
    return table("Main numbers, with 95 % intervals", columns, map(_summary_row, found))


def _summary_row(each: Inspection) -> list[Cell]:
    horizon, whole, without, worth, field = UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN
    if each.effect is not None:
        horizon = interval(each.effect.horizon, 0)
    if each.worth is not None:
        whole, without = (number(v.evaluation.mean) for v in each.worth.variants[:2])
        worth = interval((each.worth.fraction, *each.worth.fraction_interval))
    if each.reach is not None:
        limit = each.reach.receptive_field
        field = "no limit" if limit is None else str(limit)
    numbers = (horizon, whole, without, worth, field)
    return [
        Cell(each.name),
        Cell(each.env),
        Cell(each.memory),
        *(Cell(n, kind=_N) for n in numbers),
    ]


def _heat_maps(found: Sequence[Inspection], figures: Mapping[str, Any]) -> Iterator[Chapter]:
    text = (
        "The effect in the first recorded episode. A diagonal line says that the policy uses what "
        "it saw a fixed number of steps ago; a vertical line, that it remembers one step for long."
    )
    places = [
        figure(f"heat-{i}", "tall" if len(found) == 1 else "short", each.name)
        for i, each in enumerate(found) if f"heat-{i}" in figures
    ]  # fmt: skip
    if places:
        inside = places[0] if len(found) == 1 else tag("div", *places, class_="three")
        yield Chapter("heat", "Step by step", join([tag("p", text), inside]))


def _variants(found: Sequence[Inspection]) -> Html:
    rows = [
        [Cell(each.name), Cell(variant.name), Cell(number(variant.evaluation.mean), kind=_N),
         Cell(interval((variant.evaluation.mean, *variant.evaluation.interval())), kind=_N,
              key=variant.evaluation.mean)]
        for each in found if each.worth is not None for variant in each.worth.variants
    ]  # fmt: skip
    columns = [
        Column("policy"),
        Column("memory"),
        Column("mean return", _N),
        Column("interval", _N),
    ]
    return table("Returns with a disturbed memory", columns, rows)


def _probes(found: Sequence[Inspection], figures: Mapping[str, Any]) -> Iterator[Chapter]:
    text = (
        "Small models predict from the memory's state what was seen some steps ago, and the hidden "
        "state of the environment. They are trained on one half of the episodes and tested on the "
        "other. What the state holds need not be used by the policy."
    )
    places = [
        figure(f"held-{i}", "short", f"{each.name}: what was seen, by lag")
        for i, each in enumerate(found) if f"held-{i}" in figures
    ]  # fmt: skip
    rows = [
        _probe_row(each.name, probed)
        for each in found if each.probes is not None for probed in each.probes.hidden
    ]  # fmt: skip
    columns = [
        Column("policy"), Column("hidden state"), Column("score"), Column("linear", _N),
        Column("network", _N), Column("from the observation", _N), Column("shuffled", _N),
        Column("chance", _N),
    ]  # fmt: skip
    tables = table("What is held of the hidden state", columns, rows) if rows else ""
    if places or rows:
        shown = tag("div", *places, class_="three")
        yield Chapter("probes", "What the state holds", join([tag("p", text), shown, tables]))


def _probe_row(name: str, probed: Probed) -> list[Cell]:
    scores = (probed.linear, probed.mlp, probed.observation, probed.shuffled)
    cells = [
        Cell(UNKNOWN if score is None else interval(score), kind=_N,
             key=None if score is None else float(score[0]))
        for score in scores
    ]  # fmt: skip
    kind = "R²" if probed.kind == "R2" else probed.kind
    return [Cell(name), Cell(probed.name), Cell(kind), *cells, Cell(number(probed.chance), kind=_N)]


def _origin(found: Sequence[Inspection]) -> Html:
    columns = [Column("policy"), Column("episodes", _N), Column("steps", _N), Column("settings")]
    rows = [
        [Cell(each.name), Cell(len(each.lengths), kind=_N), Cell(int(each.lengths.sum()), kind=_N),
         Cell(", ".join(f"{key}={value}" for key, value in each.settings.items()))]
        for each in found
    ]  # fmt: skip
    return table("Recorded episodes", columns, rows, sortable=False)
