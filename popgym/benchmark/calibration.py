"""Estimates how long a benchmark takes, from a few iterations of each contestant."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from popgym.baselines.train import train
from popgym.benchmark.suite import Contestant, Suite
from popgym.runs.rollout_length import with_rollout
from popgym.runs.source import source_of

_ITERATIONS = 4  # the first one is not counted, because it compiles the environment


def hours(suite: Suite, jobs: int | None) -> str:
    """Return a sentence on how long a suite takes on this machine.

    The speed of each contestant is measured on the first task; the evaluations are left out.

    Args:
        suite: The suite.
        jobs: Trials at the same time; None: one for each core.
    """
    each = [suite.steps / steps_per_second(suite, one) for one in suite.contestants]
    fair = suite.fair
    seeds = len(suite.seeds) + (len(fair.lr) * len(fair.seeds) if fair is not None else 0)
    trials = len(suite.tasks) * seeds * len(each)
    at_once = min(trials, jobs or os.cpu_count() or 1)
    waves = math.ceil(trials / at_once)
    whole = waves * sum(each) / len(each)
    return f"about {whole / 3600:.1f} hours with {at_once} at a time on this machine"


def steps_per_second(suite: Suite, contestant: Contestant) -> float:
    """Return the environment steps a second of a short training on the first task."""
    settings = suite.settings_of(suite.tasks[0], contestant, suite.seeds[0])
    resolved = with_rollout(settings, source_of(settings.env)).resolved()
    short = replace(settings, steps=_ITERATIONS * resolved.batch_size).as_dict()
    with tempfile.TemporaryDirectory() as folder:
        run = train(short.pop("env"), out=Path(folder) / "run", progress=False, **short)
        first, *_, last = run.rows
    return (last["steps"] - first["steps"]) / max(1e-9, last["seconds"] - first["seconds"])
