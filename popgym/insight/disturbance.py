"""Changes of a policy's state during play: cleared, swapped, or with noise.

Each change is a ``Change`` of ``popgym.runs.evaluate``. It concerns the state of the network: the
memory and the number of steps played. The network's inputs stay what they are, also the start flag
and the previous action. In the first step of an episode the network starts from the initial state
anyway, whatever state it is given, so that no change has an effect there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from popgym.networks.actor_critic import ActorCritic
from popgym.runs.policy import PolicyState


class Clear:
    """Clears the state at the steps n, 2n, 3n, … of an episode.

    With n = 1 the policy sees only its current input. With n larger than the episode's length
    nothing changes.

    Args:
        net: The policy's network.
        every: n, at least 1.
    """

    def __init__(self, net: ActorCritic, every: int) -> None:
        self.net, self.every = net, every

    @torch.inference_mode()
    def __call__(self, state: PolicyState, steps: np.ndarray) -> PolicyState:
        """Return the state before a step; see ``popgym.runs.evaluate.Change``."""
        due = (steps > 0) & (steps % self.every == 0)
        if not due.any():
            return state
        rows = torch.from_numpy(due)
        initial = self.net.flatten_state(self.net.initial_state(1))
        tensors = {
            name: torch.where(_beside(rows, tensor), initial[name], tensor)
            for name, tensor in self.net.flatten_state(state.network).items()
        }
        return _with(self.net, state, tensors)


class Swap:
    """Gives a policy the state of another environment at the steps k, 2k, 3k, … of an episode.

    The environments form a ring in the order of their indices, without those in the first step of
    an episode, whose states are not in use. Each takes the state that the next one has. With k = 1,
    or where all episodes are equally long, this is a permutation, and with B environments a state
    comes back after B swaps. If fewer than two environments are left, nothing is swapped.

    Args:
        net: The policy's network.
        every: k, at least 1.
    """

    def __init__(self, net: ActorCritic, every: int) -> None:
        self.net, self.every = net, every

    @torch.inference_mode()
    def __call__(self, state: PolicyState, steps: np.ndarray) -> PolicyState:
        """Return the state before a step; see ``popgym.runs.evaluate.Change``."""
        ring = np.flatnonzero(steps > 0)
        due = steps[ring] % self.every == 0
        if len(ring) < 2 or not due.any():
            return state
        source = np.arange(len(steps))
        source[ring[due]] = np.roll(ring, -1)[due]
        rows = torch.from_numpy(source)
        tensors = self.net.flatten_state(state.network)
        return _with(self.net, state, {name: tensor[rows] for name, tensor in tensors.items()})


class Noise:
    """Adds Gaussian noise to all real numbers of the state before every step.

    Args:
        net: The policy's network.
        deviations: Standard deviations of the noise by the name of the tensor, [1, ...] each.
            Tensors that are not named stay as they are.
        generator: The source of the noise.
    """

    def __init__(
        self, net: ActorCritic, deviations: Mapping[str, Tensor], generator: torch.Generator
    ) -> None:
        self.net, self.deviations, self.generator = net, deviations, generator

    @torch.inference_mode()
    def __call__(self, state: PolicyState, steps: np.ndarray) -> PolicyState:
        """Return the state before a step; see ``popgym.runs.evaluate.Change``.

        Raises:
            ValueError: If the network has computed from earlier noise what is not finite.
        """
        going_on = torch.from_numpy(steps > 0)
        tensors = self.net.flatten_state(state.network)
        for name, deviation in self.deviations.items():
            tensor = tensors[name]
            unknown = ~tensor.isfinite() & (deviation > 0) & _beside(going_on, tensor)
            if unknown.any():
                raise ValueError(f"the state's {name} is no longer finite")
            noise = torch.randn(tensor.shape, generator=self.generator, dtype=tensor.dtype)
            tensors[name] = tensor + noise * deviation
        return _with(self.net, state, tensors)


class Spread:
    """Measures the standard deviation of each real number of the state, and changes nothing.

    It is measured over all environments and steps except the first steps of episodes.

    Args:
        net: The policy's network.
    """

    def __init__(self, net: ActorCritic) -> None:
        self.net, self.count = net, 0
        self._origin: dict[str, Tensor] = {}
        self._sums: dict[str, Tensor] = {}  # of the differences from the origin, and their squares

    @torch.inference_mode()
    def __call__(self, state: PolicyState, steps: np.ndarray) -> PolicyState:
        """Return the state as it is; see ``popgym.runs.evaluate.Change``."""
        rows = torch.from_numpy(np.flatnonzero(steps > 0))
        self.count += len(rows)
        if len(rows):
            for name, tensor in self.net.flatten_state(state.network).items():
                if tensor.is_floating_point():
                    self._add(name, tensor[rows])
        return state

    def _add(self, name: str, tensor: Tensor) -> None:
        # The first values are subtracted, so that large means do not cancel digits.
        origin = self._origin.setdefault(name, tensor[:1])
        difference = (tensor - origin).double()
        sums = torch.stack([difference.sum(0), difference.square().sum(0)])
        self._sums[name] = self._sums[name] + sums if name in self._sums else sums

    @torch.inference_mode()
    def deviations(self) -> dict[str, Tensor]:
        """Return the standard deviations by the name of the tensor, [1, ...] each.

        0 where a number has not been finite. Empty if nothing was measured.
        """
        found = {}
        for name, sums in self._sums.items():
            mean, square = sums / self.count
            deviation = (square - mean.square()).clamp(min=0).sqrt()
            finite = torch.where(deviation.isfinite(), deviation, 0.0)
            found[name] = finite.to(self._origin[name].dtype)[None]
        return found


def _beside(rows: Tensor, tensor: Tensor) -> Tensor:
    """Return rows [B] with as many axes as the tensor [B, ...]."""
    return rows.view(-1, *[1] * (tensor.ndim - 1))


def _with(net: ActorCritic, state: PolicyState, tensors: Mapping[str, Tensor]) -> PolicyState:
    return state._replace(network=net.unflatten_state(tensors))
