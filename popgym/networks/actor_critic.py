"""An actor-critic with a memory: ``logits, values, state = actor_critic(obs, state, start)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from popgym.memory.base import Memory
from popgym.memory.ops.padding import forward_padded
from popgym.memory.ops.resets import steps_in_episode
from popgym.memory.registry import make_memory
from popgym.networks.input_layers import Inputs, masked, steps_of
from popgym.networks.options import NetworkOptions
from popgym.networks.policy_network import PolicyNetwork


class ActorCriticState(NamedTuple):
    """The state of an actor-critic between two steps; all zeros at the start of an episode."""

    memory: Any
    """State of the memory, a NamedTuple of tensors [B, ...]."""
    time: Tensor
    """Number of steps already played in the episode, int64 [B, 1]."""


class ActorCritic(PolicyNetwork):
    """A policy and a value function that share one memory, ``core``.

    A row may hold several episodes, one after the other. The episode start mask ``start`` marks
    where they begin. Both the memory and the step count are reset at each start.

    Args:
        observation_size: As in ``PolicyNetwork``.
        num_outputs: Outputs A of the actor, the parameters of the action distribution.
        memory: Name of a memory, or ``module:Class``.
        memory_options: Options of that memory, such as ``{"stack_size": 8}``.
        options: Options of the layers around the memory.
        num_scales: As in ``PolicyNetwork``.

    Raises:
        ValueError: If a memory or an option is unknown, or a part has the wrong size.
    """

    core: Memory

    def __init__(
        self,
        observation_size: int | Mapping[str, tuple[int, ...]],
        num_outputs: int,
        memory: str = "frameconv",
        memory_options: Mapping[str, Any] | None = None,
        options: NetworkOptions | None = None,
        num_scales: int = 0,
    ) -> None:
        options = options or NetworkOptions()
        super().__init__(observation_size, num_outputs, options, num_scales)
        self.core = make_memory(
            memory, self.feature_size, options.hidden_size, **(memory_options or {})
        )

    def initial_state(self, batch_size: int) -> ActorCriticState:
        """Return the state of ``batch_size`` rows before their first step."""
        device = self.critic_head.weight.device
        time = torch.zeros(batch_size, 1, dtype=torch.int64, device=device)
        return ActorCriticState(self.core.initial_state(batch_size), time)

    def forward(
        self, obs: Inputs, state: ActorCriticState, start: Tensor | None = None
    ) -> tuple[Tensor, Tensor, ActorCriticState]:
        """Compute the outputs for T steps of every row.

        Args:
            obs: Flattened observations [B, T, O], or named arrays [B, T, ...].
            state: State before the first step.
            start: Episode start mask [B, T] bool. None means that no step begins an episode.

        Returns:
            Logits [B, T, A], values [B, T], and the state after the last step.
        """
        steps = None
        if self.embedding is not None:
            steps = steps_in_episode(state.time, steps_of(obs), start)
            time = steps[:, -1:] + 1
        else:
            time = _advance(state.time, steps_of(obs), start)
        y, memory = self.core(self.features(obs, steps), state.memory, start)
        logits, values = self.heads(y)
        return masked(logits, obs), values, ActorCriticState(memory, time)

    def forward_padded(
        self, obs: Tensor, state: ActorCriticState, seq_lens: Tensor
    ) -> tuple[Tensor, Tensor, ActorCriticState]:
        """Compute the outputs for right-padded rows.

        Args:
            obs: Flattened observations [B, T, O].
            state: State before the first step.
            seq_lens: Number of real steps of each row, integers [B]. Later steps are padding.

        Returns:
            Logits [B, T, A], values [B, T], and each row's state after its last real step. The
            logits and values in the padding are meaningless.
        """
        seq_lens = seq_lens.to(state.time.device, torch.int64)
        steps = None
        if self.embedding is not None:
            steps = steps_in_episode(state.time, obs.shape[1], None)
        z = self.features(obs, steps)
        y, memory = forward_padded(self.core, z, state.memory, seq_lens)
        logits, values = self.heads(y)
        return logits, values, ActorCriticState(memory, state.time + seq_lens[:, None])

    def flatten_state(self, state: ActorCriticState) -> dict[str, Tensor]:
        """Return the state's tensors [B, ...] by name, such as "memory.frames" and "time"."""
        return dict(_named_tensors(state, ""))

    def unflatten_state(self, tensors: Mapping[str, Tensor]) -> ActorCriticState:
        """Rebuild a state from the result of ``flatten_state``.

        Raises:
            ValueError: If a tensor is missing, or a name does not belong to the state.
        """
        like = self.initial_state(1)
        names = [name for name, _ in _named_tensors(like, "")]
        if set(names) != set(tensors):
            raise ValueError(
                f"the state of this network consists of {', '.join(names)}; "
                f"got {', '.join(tensors) or 'nothing'}"
            )
        return _fill(like, "", tensors)


def _advance(time: Tensor, num_steps: int, start: Tensor | None) -> Tensor:
    """Return ``steps_in_episode(...)[:, -1:] + 1`` without computing the earlier steps."""
    if start is None:
        return time + num_steps
    if num_steps == 1:
        return time.masked_fill(start, 0) + 1
    t = torch.arange(num_steps, device=time.device)
    return num_steps - torch.where(start, t, -time).amax(1, keepdim=True)


def _named_tensors(state: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of nested NamedTuples in order, each with its path."""
    for name, value in zip(state._fields, state, strict=True):
        if isinstance(value, Tensor):
            yield prefix + name, value
        else:
            yield from _named_tensors(value, f"{prefix}{name}.")


def _fill(like: Any, prefix: str, tensors: Mapping[str, Tensor]) -> Any:
    return type(like)(
        *(
            tensors[prefix + name]
            if isinstance(value, Tensor)
            else _fill(value, f"{prefix}{name}.", tensors)
            for name, value in zip(like._fields, like, strict=True)
        )
    )
