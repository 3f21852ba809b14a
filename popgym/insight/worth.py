"""What memory is worth: the returns of a policy whose state is disturbed while it plays.

    worth of memory = mean return as it is − mean return with the state cleared before every step

All variants play episodes from the same seeds and sample their actions from the same seed. The
bootstrap resamples the episodes of each variant independently of the others'. If equal seeds make
the returns of two variants rise and fall together, the interval of their difference is too wide
rather than too narrow.

A policy that was trained with memory meets states it has never seen when these are cleared. So the
worth also contains what is lost by that, and may exceed what a policy trained without memory lacks.
The swapped states are ordinary ones that hold nothing, or little, of the policy's own episode.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from popgym.insight.numbers import for_json
from popgym.insight.variants import Disturbance, Variant, play_all
from popgym.networks.actor_critic import ActorCritic
from popgym.runs.evaluate import (
    LEVEL,
    NUM_ENVS,
    Evaluation,
    percentile_interval,
    play,
    resampled_means,
)
from popgym.runs.policy import Policy
from popgym.runs.quotas import episode_quotas


@dataclass(frozen=True)
class Worth:
    """What memory is worth, see the module's docstring."""

    variants: list[Variant]
    """First as it is, then cleared before every step, then the others, each kind by its amount."""
    worth_of_memory: float
    low: float
    """The lower bound of the 95 % interval of ``worth_of_memory``; NaN for one episode."""
    high: float
    """The upper bound."""
    floor: float | None
    """The task's return without memory."""
    ceiling: float | None
    """The best known return in the task."""
    notes: list[str]
    """What limits the numbers, in words."""

    @property
    def fraction(self) -> float:
        """``worth_of_memory`` as a fraction of ``fraction_of``; 0 if both returns are 0."""
        return self._over_scale(self.worth_of_memory)

    @property
    def fraction_interval(self) -> tuple[float, float]:
        """The interval of ``fraction``, as if what it is divided by were known exactly."""
        return self._over_scale(self.low), self._over_scale(self.high)

    @property
    def fraction_of(self) -> str:
        """What ``worth_of_memory`` is divided by, in words."""
        if self._range is None:
            return "the larger of the two returns in absolute value"
        return "the distance from the task's floor to its ceiling"

    @property
    def _range(self) -> float | None:
        known = self.floor is not None and self.ceiling is not None and self.ceiling > self.floor
        return self.ceiling - self.floor if known else None  # type: ignore[operator]

    def _over_scale(self, value: float) -> float:
        whole, cleared = (variant.evaluation.mean for variant in self.variants[:2])
        scale = self._range or max(abs(whole), abs(cleared))
        return value / scale if scale else 0.0 * value

    def of(self, kind: str) -> list[Variant]:
        """Return the variants of one kind."""
        return [variant for variant in self.variants if variant.kind == kind]

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        data = {
            "worth_of_memory": self.worth_of_memory,
            "interval": [self.low, self.high],
            "fraction": self.fraction,
            "fraction_interval": self.fraction_interval,
            "floor": self.floor,
            "ceiling": self.ceiling,
            "episodes": len(self.variants[0].evaluation.returns),
            "variants": [variant.as_data() for variant in self.variants],
        }
        return for_json(data)


def worth(
    policy: Policy,
    make_environments: Callable[[int], VectorEnv],
    *,
    episodes: int,
    seed: int,
    deterministic: bool,
    max_steps: int,
    floor: float | None = None,
    ceiling: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Worth:
    """Measure what the memory of a policy is worth.

    The undisturbed episodes are those of ``popgym.evaluate`` with the same seed. The environments
    are made once and reset for each variant.

    Args:
        policy: The policy, which does not change; its actions are sampled anew from ``seed``.
        make_environments: Makes a vector environment of a number of environments, with autoreset
            within the step and the policy's spaces.
        episodes: The number of episodes of each variant, at least 1.
        seed: The seed of the environments, of the sampled actions and of the noise.
        deterministic: Whether to take the most probable actions, instead of sampling them.
        max_steps: Where longer episodes are cut.
        floor: The task's return without memory; None if it is unknown.
        ceiling: The best known return in the task; None if it is unknown.
        progress: Called with a line before each variant is played.

    Returns:
        The worth. Noise with which play fails is left out, and a note says why.

    Raises:
        Exception: What the environments raise in any other variant.
    """
    num_envs = min(NUM_ENVS, episodes)
    quotas, say = episode_quotas(episodes, num_envs), progress or (lambda line: None)
    with closing(make_environments(num_envs)) as environments:

        def play_with(disturbance: Disturbance) -> Variant:
            say(f"memory: {disturbance}")
            # A policy of its own, so that every variant samples with the same random numbers.
            player = Policy(policy.spec, policy.net, seed)
            evaluation = play(
                player, environments, quotas, seed, deterministic, max_steps, disturbance.change
            )
            return Variant(disturbance.kind, disturbance.amount, str(disturbance), evaluation)

        variants, failures = play_all(play_with, policy.net, num_envs, seed)
    notes = _notes(policy.net, variants[0].evaluation, num_envs, max_steps)
    return _result(variants, floor, ceiling, [*notes, *failures])


def _result(
    variants: list[Variant], floor: float | None, ceiling: float | None, notes: list[str]
) -> Worth:
    whole, cleared = (variant.evaluation for variant in variants[:2])  # cleared before every step
    low, high = difference_interval(whole, cleared)
    return Worth(variants, whole.mean - cleared.mean, low, high, floor, ceiling, notes)


def difference_interval(
    one: Evaluation, other: Evaluation, level: float = LEVEL, seed: int = 0
) -> tuple[float, float]:
    """Return the bootstrap percentile interval of the difference of two mean returns.

    Args:
        one: The evaluation whose mean is counted positive.
        other: The evaluation whose mean is subtracted.
        level: The confidence level.
        seed: The seed of the resampling.

    Returns:
        The lower and the upper bound; both are NaN if an evaluation has one episode.
    """
    if min(len(one.returns), len(other.returns)) == 1:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    samples = resampled_means(one.returns, rng) - resampled_means(other.returns, rng)
    return percentile_interval(samples, level)


def _notes(net: ActorCritic, whole: Evaluation, num_envs: int, max_steps: int) -> list[str]:
    """Return what limits the numbers, in words."""
    notes = []
    if not net.core.state_numel:
        remains = "" if net.embedding is None else " but the number of the step"
        notes.append(f"the policy has no memory: there is nothing to clear{remains}")
    if (whole.lengths == 1).all():
        notes.append("every episode has one step: there is nothing to remember")
    if whole.cut == len(whole.returns):
        notes.append(f"no undisturbed episode ended within {max_steps:,} steps; all were cut there")
    elif whole.cut:
        notes.append(
            f"{whole.cut} of {len(whole.returns)} undisturbed episodes were cut at {max_steps:,} "
            "steps; they count with their return so far"
        )
    if len(whole.returns) == 1:
        notes.append("with one episode there are no intervals")
    if num_envs == 1:
        notes.append("with one environment there is no other state to swap with")
    return notes
