"""Environments for the tests of benchmarks."""

import gymnasium as gym
import numpy as np


class Breaks(gym.Env):
    """Raises at its 50th step."""

    observation_space = gym.spaces.Discrete(2)
    action_space = gym.spaces.Discrete(2)

    def __init__(self):
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.int64(0), {}

    def step(self, action):
        self.steps += 1
        if self.steps == 50:
            raise RuntimeError("the fiftieth step")
        return np.int64(self.steps % 2), 0.0, self.steps % 10 == 0, False, {}
