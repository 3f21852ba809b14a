"""Recorded play of a policy: what its network saw, what it did, and what it got."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium import Space
from gymnasium.vector import VectorEnv
from torch import Tensor

from popgym.core.vector import POPGymVectorEnv
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, reset_seed

Inputs = dict[str, np.ndarray]
"""Arrays of a network's input, named as in ``popgym.inputs``."""


@dataclass(frozen=True)
class Episode:
    """One episode of T steps, or its first T steps."""

    inputs: Inputs
    """What the network saw, [T, ...] each."""
    rewards: np.ndarray  # [T]
    complete: bool
    """Whether the episode ended, and was not cut."""

    @property
    def steps(self) -> int:
        """The number of steps, T."""
        return len(self.rewards)

    def tensors(self) -> dict[str, Tensor]:
        """Return the inputs of a batch of one, [1, T, ...] each."""
        return {name: torch.from_numpy(array)[None] for name, array in self.inputs.items()}


@dataclass
class Recording:
    """The first episode of each of B environments, step by step.

    Everything but ``lengths`` is a list over the steps of the longest episode. Entries of
    environments whose episode has ended mean nothing.
    """

    inputs: list[Inputs] = field(default_factory=list)
    """What the network saw, [B, ...] each."""
    actions: list[Any] = field(default_factory=list)
    """Batches of actions, as the environments took them."""
    rewards: list[np.ndarray] = field(default_factory=list)  # [B]
    hidden: list[Any] = field(default_factory=list)
    """Batches of hidden Markov states, before the action; empty if the environment tells none."""
    hidden_space: Space | None = None
    """The space of one hidden Markov state."""
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # [B]
    complete: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [B]

    @property
    def episodes(self) -> list[Episode]:
        """The episodes by themselves."""
        rewards = np.stack(self.rewards)
        arrays = {name: np.stack([each[name] for each in self.inputs]) for name in self.inputs[0]}
        return [
            Episode({name: array[:T, i] for name, array in arrays.items()}, rewards[:T, i], done)
            for i, (T, done) in enumerate(zip(self.lengths, self.complete.tolist(), strict=True))
        ]


def record(
    policy: Policy,
    environments: VectorEnv,
    *,
    seed: int,
    deterministic: bool = False,
    max_steps: int,
) -> Recording:
    """Play the first episode of each environment.

    The first episodes are not biased towards short ones, as the first that end would be.

    Args:
        policy: The policy that plays.
        environments: Vector environment with autoreset within the step.
        seed: The seed of the environments.
        deterministic: Whether to take the most probable actions, instead of sampling them.
        max_steps: Where longer episodes are cut.
    """
    B = environments.num_envs
    tells = hidden_state_of(environments)
    found = Recording(
        lengths=np.zeros(B, np.int64),
        complete=np.zeros(B, bool),
        hidden_space=getattr(environments.unwrapped, "single_state_space", None) if tells else None,
    )
    encode = policy.spec.encoder()
    seeds: Any = reset_seed(environments, seed, Stream.INSPECTED_ENVIRONMENTS)
    obs, info = environments.reset(seed=seeds)
    state, start, playing = policy.initial_state(B), np.ones(B, bool), np.ones(B, bool)
    while playing.any() and len(found.rewards) < max_steps:
        policy.check(obs)
        masks = policy.masks_of(info, B)
        found.inputs.append(encode(obs, state.previous_action, start, masks))
        if tells:
            found.hidden.append(copy.deepcopy(tells()))
        actions, state = policy.act_many(
            obs, state, start, deterministic=deterministic, action_masks=masks
        )
        found.actions.append(copy.deepcopy(actions))
        obs, rewards, terminated, truncated, info = environments.step(actions)
        found.rewards.append(np.array(rewards, np.float64))
        start = terminated | truncated
        found.lengths += playing
        found.complete |= playing & start
        playing &= ~start
    return found


def replay(
    policy: Policy, environments: VectorEnv, recording: Recording, *, seed: int, draw: int
) -> tuple[list[Inputs], np.ndarray]:
    """Take the recorded actions in episodes with other hidden draws.

    Args:
        policy: The policy that was recorded.
        environments: popgym environments, as many as were recorded.
        recording: The recorded play.
        seed: The seed of the recording.
        draw: The number of the draw, from 0.

    Returns:
        What the network would see at each step, and how many steps each of these episodes has,
        [B]. The previous actions are the recorded ones.
    """
    B = environments.num_envs
    encode = policy.spec.encoder()
    seeds: Any = reset_seed(environments, seed, Stream.OTHER_DRAWS, draw)
    obs, _ = environments.reset(seed=seeds)
    seen, lengths, playing = [], np.zeros(B, np.int64), np.ones(B, bool)
    for inputs, actions in zip(recording.inputs, recording.actions, strict=True):
        seen.append(encode.exchange(inputs, encode(obs)))
        lengths += playing
        obs, _, terminated, truncated, _ = environments.step(actions)
        playing &= ~(terminated | truncated)
    return seen, lengths


def hidden_state_of(environments: VectorEnv) -> Callable[[], Any] | None:
    """Return the function that tells the hidden Markov states, or None if there is none."""
    inner = environments.unwrapped
    return inner.get_state if isinstance(inner, POPGymVectorEnv) else None
