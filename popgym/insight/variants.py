"""The variants of play that are compared: as it is, and with each disturbance of the state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from popgym.insight.disturbance import Clear, Noise, Spread, Swap
from popgym.insight.numbers import for_json
from popgym.networks.actor_critic import ActorCritic
from popgym.runs.errors import describe
from popgym.runs.evaluate import Change, Evaluation
from popgym.runs.seeds import Stream, generator

AS_IT_IS, CLEARED, SWAPPED, NOISE = "as it is", "cleared", "swapped", "noise"
SWAP_EVERY = (1, 8)
"""After how many steps the states are swapped."""
NOISE_SCALES = (0.1, 0.3, 1.0)
"""Standard deviations of the noise, in those of the numbers of the state."""


class Disturbance(NamedTuple):
    """One way to play with another state."""

    kind: str
    """"as it is", "cleared", "swapped" or "noise"."""
    amount: float | None
    """After how many steps the state is cleared or swapped, or the standard deviation of the noise
    in those of the numbers of the state. None for "as it is"."""
    change: Change

    def __str__(self) -> str:
        if self.kind == AS_IT_IS:
            return "as it is"
        if self.kind == NOISE:
            return f"noise of {self.amount:g} standard deviations"
        often = "before every step" if self.amount == 1 else f"every {self.amount} steps"
        return f"{self.kind} {often}"


def disturbances(
    net: ActorCritic, length: float, spread: Spread, num_envs: int, seed: int
) -> Iterator[Disturbance]:
    """Yield the disturbances of an inspection, each kind by its amount.

    Args:
        net: The policy's network.
        length: The mean length of an episode; up to this the state is cleared every 1, 2, 4, …
            steps.
        spread: The spread of the state in undisturbed play.
        num_envs: The number of environments; the states of one alone cannot be swapped.
        seed: The seed of the noise.
    """
    for power in range(int(math.log2(length)) + 1):
        yield Disturbance(CLEARED, 2**power, Clear(net, 2**power))
    for every in SWAP_EVERY if num_envs > 1 else ():
        yield Disturbance(SWAPPED, every, Swap(net, every))
    for scale in NOISE_SCALES:
        deviations = {name: scale * each for name, each in spread.deviations().items()}
        noise = Noise(net, deviations, generator(seed, Stream.INSPECTION, 3))
        yield Disturbance(NOISE, scale, noise)


@dataclass(frozen=True)
class Variant:
    """The episodes played with one disturbance."""

    kind: str
    """As in ``Disturbance``."""
    amount: float | None
    """As in ``Disturbance``."""
    name: str
    """Kind and amount in words."""
    evaluation: Evaluation

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        data = {
            "kind": self.kind,
            "amount": self.amount,
            "mean_return": self.evaluation.mean,
            "interval": self.evaluation.interval(),
            "mean_length": self.evaluation.lengths.mean(),
            "cut": self.evaluation.cut,
        }
        return for_json(data)


def play_all(
    play_with: Callable[[Disturbance], Variant], net: ActorCritic, num_envs: int, seed: int
) -> tuple[list[Variant], list[str]]:
    """Return all variants, and what has failed, in words."""
    spread, failures = Spread(net), []
    variants = [play_with(Disturbance(AS_IT_IS, None, spread))]
    length = variants[0].evaluation.lengths.mean()
    for disturbance in disturbances(net, length, spread, num_envs, seed):
        try:
            variants.append(play_with(disturbance))
        except Exception as error:
            # Noise makes states that the network never computes. A memory need not take them.
            if disturbance.kind != NOISE:
                raise
            failures.append(f"{disturbance} is left out: {describe(error)}")
    return variants, failures
