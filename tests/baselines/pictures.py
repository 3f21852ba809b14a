"""Environments that show pictures; importable by name."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Grid(gym.Env):
    """As MiniGrid: a picture of codes, a direction, a mission in words.

    The action should be half the row of the squares with code 5. Episodes have four steps, and
    every other one is truncated.
    """

    size = 7
    action_space = spaces.Discrete(3)

    def __init__(self):
        self.observation_space = spaces.Dict(
            image=spaces.Box(0, 255, (self.size, self.size, 3), np.uint8),
            direction=spaces.Discrete(4),
            mission=spaces.Text(20),
            speed=spaces.Box(-100, 100, (1,)),
        )
        self.episodes = 0

    def _observe(self):
        self.row = int(self.np_random.integers(3))
        image = np.ones((self.size, self.size, 3), np.uint8)
        image[2 * self.row, :, 0] = 5
        speed = np.float32([self.np_random.normal(50, 5)])
        return {"image": image, "direction": 1, "mission": "find it", "speed": speed}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.episodes = 0, self.episodes + 1
        return self._observe(), {}

    def step(self, action):
        reward = float(action == self.row)
        self.t += 1
        ends = self.t == 4
        odd = bool(self.episodes % 2)
        return self._observe(), reward, ends and odd, ends and not odd, {}


class Large(Grid):
    """The same in a picture of 36 x 36."""

    size = 36


class Words(Grid):
    """Shows nothing but words."""

    def __init__(self):
        super().__init__()
        self.observation_space = spaces.Dict(mission=spaces.Text(20))
