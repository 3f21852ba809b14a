"""The counterfactual effect of the past: what would the policy do if it had seen something else?

The observation at step s of a recorded episode is replaced by another plausible one. The memory
runs on from there with the recorded actions and observations. The effect at step t = s + Δ is how
much the policy's outputs then differ from those of the unchanged episode: the total variation and
the Kullback-Leibler divergence of the action distribution, and the change of the value.

Both runs start from the same state in arrays of the same shape, so that outputs that do not depend
on the replaced observation are equal to the last bit, and their effect is exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from popgym.insight.distances import total_variation
from popgym.insight.recording import Episode, Inputs
from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, generator

STEPS_AT_ONCE = 16_384
"""Steps of all rows of one call of the network."""
KINDS = ("variation", "divergence", "value")


class Effects(NamedTuple):
    """What replacing single observations of one episode changes, [n, L] each.

    Row i belongs to the observation at step ``replaced[i]``, column Δ to the step Δ later. NaN
    where the episode is over, or the lag is larger than was asked for.
    """

    steps: int
    """The steps of the episode, T."""
    replaced: np.ndarray
    """The replaced steps, [n], ascending."""
    variation: np.ndarray
    """Total variation distance of the action distributions."""
    divergence: np.ndarray
    """KL(unchanged ‖ changed) in nats."""
    value: np.ndarray
    """Absolute difference of the values."""


@torch.inference_mode()
def effects(
    policy: Policy,
    episode: Episode,
    others: Inputs,
    replaced: np.ndarray,
    *,
    max_lag: int,
    seed: int = 0,
) -> Effects:
    """Measure the effects of observations of an episode on its later steps.

    Args:
        policy: The policy that was recorded.
        episode: The recorded episode of T steps.
        others: The inputs with another observation at each step, [T, ...] each.
        replaced: The steps whose observations are replaced, each by itself: [n] ascending.
        max_lag: The largest lag Δ.
        seed: The seed of sampled actions, where the total variation has no formula.
    """
    net, distribution = policy.net, action_distribution(policy.action_space)
    rng = generator(seed, Stream.INSPECTION, 1)
    T, L = episode.steps, min(episode.steps, max_lag + 1)
    found = {kind: np.full((len(replaced), L), np.nan, np.float32) for kind in KINDS}
    seen = {name: array[0] for name, array in episode.tensors().items()}
    changed = {name: torch.from_numpy(array) for name, array in others.items()}
    states = states_before(net, seen, replaced)
    for rows in _groups(np.minimum(T - replaced, L)):
        at = replaced[rows]
        length = min(L, T - int(at[0]))
        where = torch.from_numpy(at)[:, None] + torch.arange(length)
        before = net.unflatten_state(
            {name: torch.cat([states[i][name] for i in rows]) for name in states[0]}
        )
        inputs = {name: array[where.clamp(max=T - 1)] for name, array in seen.items()}
        outputs, values = _run(net, inputs, before)
        for name, array in inputs.items():
            array[:, 0] = changed[name][torch.from_numpy(at)]
        other_outputs, other_values = _run(net, inputs, before)
        part = {
            "variation": total_variation(distribution, outputs, other_outputs, rng),
            "divergence": distribution.kl(outputs, other_outputs),
            "value": (values - other_values).abs(),
        }
        inside = where < T
        for kind, result in part.items():
            shown = result.masked_fill(~inside, torch.nan).numpy()
            found[kind][rows, :length] = shown
    return Effects(T, replaced, **found)


def states_before(
    net: ActorCritic, inputs: dict[str, Tensor], steps: Sequence[int] | np.ndarray
) -> list[dict[str, Tensor]]:
    """Return the network's states before the given steps of an episode.

    Args:
        net: The network.
        inputs: Its inputs at all T steps, [T, ...] each.
        steps: The steps, ascending.

    Returns:
        For each step the state as ``ActorCritic.flatten_state`` gives it, with one row.
    """
    state, now, found = net.initial_state(1), 0, []
    for step in map(int, steps):
        if step > now:
            piece = {name: array[None, now:step] for name, array in inputs.items()}
            state, now = net(piece, state)[2], step
        found.append(net.flatten_state(state))
    return found


def _groups(lengths: np.ndarray) -> Iterator[list[int]]:
    """Yield rows, the longest first, so many at once that a call is neither small nor huge."""
    begin = 0
    while begin < len(lengths):
        end = min(len(lengths), begin + max(1, STEPS_AT_ONCE // int(lengths[begin])))
        yield list(range(begin, end))
        begin = end


def _run(net: ActorCritic, inputs: Any, state: ActorCriticState) -> tuple[Tensor, Tensor]:
    outputs, values, _ = net(inputs, state)
    return outputs, values


def steps_to_replace(
    usable: Sequence[np.ndarray], max_lag: int | None, budget: int, seed: int
) -> list[np.ndarray]:
    """Choose the observations to replace, at random if there are too many.

    Args:
        usable: For each episode, for which steps there is another observation, [T] bool.
        max_lag: The largest lag Δ; None means up to the end of the episode.
        budget: The largest number of steps to compute. The first episode may take half of it.
        seed: The seed of the choice.

    Returns:
        For each episode, the steps in ascending order.
    """
    rng = np.random.default_rng([seed, 2])
    work = [_work(each, max_lag) for each in usable]
    left = budget - min(work[0], budget // 2)
    shares = [budget / 2 / max(work[0], 1), *[left / max(sum(work[1:]), 1)] * (len(work) - 1)]
    chosen = []
    for each, share in zip(usable, shares, strict=True):
        steps = np.flatnonzero(each)
        count = min(len(steps), max(1, round(share * len(steps))))
        chosen.append(np.sort(rng.choice(steps, count, replace=False)))
    return chosen


def _work(usable: np.ndarray, max_lag: int | None) -> int:
    T = len(usable)
    rest = T - np.flatnonzero(usable)
    return int(rest.sum() if max_lag is None else np.minimum(rest, max_lag + 1).sum())
