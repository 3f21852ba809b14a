"""The figures of an inspection's page, as ``popgym.pages.figures`` describes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from popgym.insight.horizon import Curve
from popgym.insight.inspection import Inspection
from popgym.insight.numbers import for_json
from popgym.insight.variants import CLEARED
from popgym.pages.figures import axis, described, heat, line

_MATTERS, _FEW = 0.005, 20
_LAG = "lag in steps"
_AT_LAG = "%{y:.3f} at lag %{x}"

Figure = dict[str, Any]


def charts(found: Sequence[Inspection]) -> dict[str, Figure]:
    """Return the figures by name; those of parts that were not measured are left out."""
    made = [
        *_effects(found), *_heat_maps(found), *_worth(found), *_held(found), *_saliency(found),
        *_reach(found), *_training(found),
    ]  # fmt: skip
    return {figure["name"]: for_json(figure) for figure in made}


def last_lag(found: Sequence[Inspection], kind: str = "variation") -> int:
    """Return the last lag at which an effect matters, and one more."""
    last = 1
    for each in found:
        if each.effect is not None and len(each.effect.curves[kind].value):
            value = np.nan_to_num(each.effect.curves[kind].value)
            matters = np.flatnonzero(value > _MATTERS * value.max())
            last = max(last, int(matters.max(initial=0)) + 1)
    return last


def _lags(last: int) -> dict[str, Any]:
    """Return an axis of lags up to the last that matters, with a tick for each if they are few."""
    margin = 0.02 * last + 0.1
    ticks = {"dtick": 1} if last <= _FEW else {}
    return axis(_LAG, range=[-margin, last + margin], **ticks)


def _over_lags(name: str, series: int, found: Curve) -> dict[str, Any]:
    value, low, high = found
    return line(name, np.arange(len(value)), value, low, high, series=series, hover=_AT_LAG)


def _effects(found: Sequence[Inspection]) -> Iterator[Figure]:
    titles = {
        "variation": "total variation", "divergence": "divergence in nats",
        "value": "change of the value",
    }  # fmt: skip
    for kind, title in titles.items():
        traces = []
        for i, each in enumerate(found):
            if each.effect is not None:
                traces.append(_over_lags(each.name, i, each.effect.curves[kind]))
        if traces:
            shown = _lags(last_lag(found, kind))
            yield described(f"effect-{kind}", traces, shown, axis(title, rangemode="tozero"))


def _heat_maps(found: Sequence[Inspection]) -> Iterator[Figure]:
    for i, each in enumerate(found):
        if each.effect is not None and each.effect.heat_map.size:
            places = np.arange(len(each.effect.heat_map)) * each.effect.cell
            hover = "%{z:.3f} at step %{y}, replaced step %{x}"
            trace = heat(places, places, each.effect.heat_map, "effect", hover)
            yield described(
                f"heat-{i}", [trace], axis("step whose observation is replaced"),
                axis("step of the action"),
            )  # fmt: skip


def _worth(found: Sequence[Inspection]) -> Iterator[Figure]:
    traces, lines = [], []
    for i, each in enumerate(found):
        if each.worth is None:
            continue
        cleared = each.worth.of(CLEARED)
        bounds = np.array([variant.evaluation.interval() for variant in cleared])
        traces.append(
            line(
                each.name,
                [variant.amount for variant in cleared],
                [variant.evaluation.mean for variant in cleared],
                *bounds.T,
                series=i,
                points=True,
                hover="%{y:.3f} cleared every %{x} steps",
            )
        )
        if len(found) == 1:  # the names of several would hide each other
            lines.append((each.worth.variants[0].evaluation.mean, "never cleared"))
    ends = {(each.worth.floor, each.worth.ceiling) for each in found if each.worth is not None}
    if len(ends) == 1:
        named = zip(ends.pop(), ("floor", "ceiling"), strict=True)
        lines += [(height, name) for height, name in named if height is not None]
    if traces:
        x = axis("memory cleared every n steps", type="log", dtick=np.log10(2), tickformat="d")
        yield described("worth", traces, x, axis("mean return"), lines)


def _held(found: Sequence[Inspection]) -> Iterator[Figure]:
    """The probes of earlier observations, for each run that has some."""
    for i, each in enumerate(found):
        if each.probes is None or not each.probes.lags:
            continue
        lags = [probed.lag for probed in each.probes.lags]
        kinds = {"linear": "from the state", "observation": "from the current observation",
                 "shuffled": "from shuffled states"}  # fmt: skip
        traces = []
        for j, (kind, name) in enumerate(kinds.items()):
            scores = np.array([getattr(probed, kind) for probed in each.probes.lags], float)
            traces.append(line(name, lags, *scores.T, series=j, points=True, hover=_AT_LAG))
        score = "R²" if each.probes.lags[0].kind == "R2" else "accuracy"
        yield described(f"held-{i}", traces, axis(_LAG), axis(score))


def _saliency(found: Sequence[Inspection]) -> Iterator[Figure]:
    for kind, title in (("policy", "gradient of log π"), ("value", "gradient of the value")):
        traces = []
        for i, each in enumerate(found):
            if each.saliency is not None and each.saliency.curves:
                traces.append(_over_lags(each.name, i, each.saliency.curves[kind]))
        if traces:
            shown = _lags(last_lag(found, "value"))
            yield described(f"saliency-{kind}", traces, shown, axis(title, rangemode="tozero"))


def _reach(found: Sequence[Inspection]) -> Iterator[Figure]:
    traces = []
    for i, each in enumerate(found):
        for decay in each.reach.decays[:1] if each.reach is not None else ():
            for j, (when, norms) in enumerate(
                (("trained", decay.trained), ("before training", decay.initial))
            ):
                shown = np.where(norms > 0, norms, np.nan)  # a logarithm has no zero
                name = f"{each.name}, {when}"
                lags = np.arange(len(shown))
                traces.append(line(name, lags, shown, series=i + 10 * j, hover=_AT_LAG))
    if traces:
        y = axis("norm of the derivative", type="log", exponentformat="power")
        yield described("reach", traces, axis(_LAG), y)


def _training(found: Sequence[Inspection]) -> Iterator[Figure]:
    horizons, worths = [], []
    for i, each in enumerate(found):
        points = each.checkpoints
        if not points:
            continue
        steps = [point.steps for point in points]
        known = [point.found for point in points]
        bounds = [inspected.effect.horizon for inspected in known if inspected.effect is not None]
        horizons.append(line(each.name, steps, *zip(*bounds, strict=True), series=i, points=True))
        earned = [inspected.worth for inspected in known if inspected.worth is not None]
        rows = [(worth.fraction, *worth.fraction_interval) for worth in earned]
        worths.append(line(each.name, steps, *zip(*rows, strict=True), series=i, points=True))
    if horizons:
        x = axis("steps of training", tickformat="~s")
        yield described("horizon-training", horizons, x, axis("horizon", rangemode="tozero"))
        yield described("worth-training", worths, x, axis("worth of memory"))
