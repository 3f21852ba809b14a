"""The task and the hyperparameters of all contestants."""

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
    """The result of one iteration."""

    steps: int
    """Environment steps sampled."""
    mean_return: float
    """Mean over the episodes that ended; in RLlib over the last 100 of them."""


def agent_input(card, action, start):
    """Return card, previous action and start flag as rows [B, 9]; at a start the action is zero."""
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
        """Begin new episodes, see ``gymnasium.vector.VectorEnv.reset``."""
        card, info = self.env.reset(seed=seed, options=options)
        self._done = np.zeros(self.num_envs, bool)
        return agent_input(card, np.zeros_like(card), ~self._done), info

    def step(self, actions):
        """Play one step, see ``gymnasium.vector.VectorEnv.step``."""
        card, rewards, terminated, truncated, info = self.env.step(actions)
        start = self._done  # the step after an ending resets
        self._done = terminated | truncated
        return agent_input(card, actions, start), rewards, terminated, truncated, info


class FlatSingle(gym.Env):
    """The same for a single environment, for RLlib's old stack."""

    def __init__(self, config=None):
        self.env = popgym.envs.RepeatPreviousEasy()
        self.observation_space = Box(0, 1, (9,), np.float32)
        self.action_space = self.env.action_space

    def reset(self, *, seed=None, options=None):
        """Begin an episode, see ``gymnasium.Env.reset``."""
        card, info = self.env.reset(seed=seed)
        obs = np.zeros(9, np.float32)
        obs[card] = obs[8] = 1.0
        return obs, info

    def step(self, action):
        """Play one step, see ``gymnasium.Env.step``."""
        card, reward, terminated, truncated, info = self.env.step(action)
        obs = np.zeros(9, np.float32)
        obs[card] = obs[4 + action] = 1.0
        return obs, reward, terminated, truncated, info
