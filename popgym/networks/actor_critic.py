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
from popgym.networks.options import NetworkOptions
from popgym.networks.policy_network import PolicyNetwork


class ActorCriticState(NamedTuple):
    """What an actor-critic carries from step to step; zeros where an episode begins."""

    memory: Any
    """The memory's own state, a NamedTuple of tensors [B, ...]."""
    time: Tensor
    """Steps already played in the episode, int64 [B, 1]."""


class ActorCritic(PolicyNetwork):
    """Policy and value function over one memory, ``core``.

    A row may hold many episodes end to end: ``start`` says where they begin, and neither the
    memory nor the step count reaches over a start.

    Args:
        observation_size: Features O of a flattened observation.
        num_outputs: Outputs A of the actor, the parameters of the action distribution.
        memory: Name of a memory, or ``module:Class``.
        memory_options: Options of that memory, such as ``{"stack_size": 8}``.
        options: Sizes and parts of the layers around it.

    Raises:
        ValueError: For an unknown memory or option, or a part that does not fit.
    """

    core: Memory

    def __init__(
        self,
        observation_size: int,
        num_outputs: int,
        memory: str = "frameconv",
        memory_options: Mapping[str, Any] | None = None,
        options: NetworkOptions | None = None,
    ) -> None:
        options = options or NetworkOptions()
        super().__init__(observation_size, num_outputs, options)
        self.core = make_memory(
            memory, self.feature_size, options.hidden_size, **(memory_options or {})
        )

    def initial_state(self, batch_size: int) -> ActorCriticState:
        """The state of ``batch_size`` rows before their first step."""
        device = self.critic_head.weight.device
        time = torch.zeros(batch_size, 1, dtype=torch.int64, device=device)
        return ActorCriticState(self.core.initial_state(batch_size), time)

    def forward(
        self, obs: Tensor, state: ActorCriticState, start: Tensor | None = None
    ) -> tuple[Tensor, Tensor, ActorCriticState]:
        """Plays T steps of every row.

        Args:
            obs: Flattened observations [B, T, O].
            state: State before the first step.
            start: [B, T] bool, whether a step is the first of an episode; None: none is.

        Returns:
            logits [B, T, A], values [B, T], and the state after the last step.
        """
        steps = None
        if self.embedding is not None:
            steps = steps_in_episode(state.time, obs.shape[1], start)
            time = steps[:, -1:] + 1
        else:
            time = _advance(state.time, obs.shape[1], start)
        y, memory = self.core(self.features(obs, steps), state.memory, start)
        logits, values = self.heads(y)
        return logits, values, ActorCriticState(memory, time)

    def forward_padded(
        self, obs: Tensor, state: ActorCriticState, seq_lens: Tensor
    ) -> tuple[Tensor, Tensor, ActorCriticState]:
        """Plays the first ``seq_lens`` [B] steps of every row; what follows is padding.

        Returns:
            logits [B, T, A] and values [B, T], without meaning in the padding, and each row's
            state after its own last step.
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
        """The state's tensors [B, ...] by name, such as "memory.frames" and "time"."""
        return dict(_named_tensors(state, ""))

    def unflatten_state(self, tensors: Mapping[str, Tensor]) -> ActorCriticState:
        """The state that ``flatten_state`` took apart.

        Raises:
            ValueError: If a tensor of the state is missing, or one is no part of it.
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
    """``steps_in_episode(...)[:, -1:] + 1``, without the steps between."""
    if start is None:
        return time + num_steps
    if num_steps == 1:
        return time.masked_fill(start, 0) + 1
    t = torch.arange(num_steps, device=time.device)
    return num_steps - torch.where(start, t, -time).amax(1, keepdim=True)


def _named_tensors(state: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors of nested NamedTuples in order, each with its path."""
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
