"""What all contestants play, and the numbers that all of them train with."""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

import popgym.envs
from popgym.runs.settings import Settings

ENV_ID = popgym.envs.lookup("RepeatPreviousEasy")
EPISODE = 51  # steps
SUITS = np.eye(4, dtype=np.float32)

SETTINGS = Settings(
    "RepeatPreviousEasy", "frameconv", num_envs=256, rollout=64, minibatch_size=8192
).resolved()


class Iteration(NamedTuple):
    """What one iteration came to."""

    steps: int
    """Environment steps sampled."""
    mean_return: float
    """Of the episodes that ended; RLlib smooths it over 100 of them."""


def agent_input(card, action, start):
    """Card, action before and start flag as rows [B, 9]; after a start there is no action."""
    was = SUITS[action] * ~start[:, None]
    return np.concatenate([SUITS[card], was, start[:, None]], 1, dtype=np.float32)


class FlatVector(VectorEnv):
    """The native vector environment with ``agent_input`` as observation, for stock RLlib."""

    metadata = {"autoreset_mode": gym.vector.AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.env = gym.make_vec(ENV_ID, num_envs)
        self.single_observation_space = Box(0, 1, (9,), np.float32)
        self.single_action_space = self.env.single_action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = self.env.action_space

    def reset(self, *, seed=None, options=None):
        """As gymnasium has it."""
        card, info = self.env.reset(seed=seed, options=options)
        self._done = np.zeros(self.num_envs, bool)
        return agent_input(card, np.zeros_like(card), ~self._done), info

    def step(self, actions):
        """As gymnasium has it."""
        card, rewards, terminated, truncated, info = self.env.step(actions)
        start = self._done  # a step after the end resets
        self._done = terminated | truncated
        return agent_input(card, actions, start), rewards, terminated, truncated, info


class FlatSingle(gym.Env):
    """The same for one environment: RLlib's old stack steps them one by one."""

    def __init__(self, config=None):
        self.env = popgym.envs.RepeatPreviousEasy()
        self.observation_space = Box(0, 1, (9,), np.float32)
        self.action_space = self.env.action_space

    def reset(self, *, seed=None, options=None):
        """As gymnasium has it."""
        card, info = self.env.reset(seed=seed)
        obs = np.zeros(9, np.float32)
        obs[card] = obs[8] = 1.0
        return obs, info

    def step(self, action):
        """As gymnasium has it."""
        card, reward, terminated, truncated, info = self.env.step(action)
        obs = np.zeros(9, np.float32)
        obs[card] = obs[4 + action] = 1.0
        return obs, reward, terminated, truncated, info
