"""Actors that choose actions: a trained policy, a scripted player, or random actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import Space
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from popgym.core.env import POPGymEnv
from popgym.players import Player

if TYPE_CHECKING:
    from popgym.runs.policy import Policy, PolicyState

Actor = Callable[[Any, bool, dict[str, Any]], Any]
"""Function from an observation, whether it is the first of an episode, and the info, to an action.
"""


def policy_actor(policy: Policy, env: gym.Env) -> Actor:
    """Return an actor that takes a policy's most probable action.

    It keeps the policy's memory state from step to step.

    Raises:
        ValueError: If the policy was trained with other spaces.
    """
    policy.require_spaces(env.observation_space, env.action_space)
    state: PolicyState | None = None

    def act(obs: Any, start: bool, info: dict[str, Any]) -> Any:
        nonlocal state
        mask = info.get("action_mask") if policy.spec.masked else None
        action, state = policy.act(obs, None if start else state, action_mask=mask)
        return action

    return act


def player_actor(player: Player, env: POPGymEnv) -> Actor:
    """Return an actor for a scripted player; an oracle player is given the hidden state."""
    oracle = player.observes_state
    space = env.state_space if oracle else env.observation_space
    actions = batch_space(env.action_space, 1)

    def act(obs: Any, start: bool, info: dict[str, Any]) -> Any:
        seen = batch_of_one(space, env.get_state() if oracle else obs)
        return next(iter(iterate(actions, player.act(seen, np.array([start])))))

    return act


def random_actor(env: gym.Env, seed: int) -> Actor:
    """Return an actor that samples every action from the action space."""
    env.action_space.seed(seed)
    return lambda obs, start, info: env.action_space.sample()


def batch_of_one(space: Space, element: Any) -> Any:
    """Return an element of a space as a batch of size one."""
    return concatenate(space, [element], create_empty_array(space, 1))
