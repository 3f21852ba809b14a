"""Environments that give action masks, and fail if a forbidden action is taken."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Turns(gym.Env):
    """Four steps; at step t, action t % 2 + 1 of three is forbidden. Action 0 pays least."""

    observation_space = spaces.Discrete(2)
    action_space = spaces.Discrete(3, start=5)

    def mask(self):
        allowed = np.ones(3, np.int8)
        allowed[self.t % 2 + 1] = 0
        return allowed

    def info(self):
        return {"action_mask": self.mask()}

    def observe(self):
        return self.t % 2

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.observe(), self.info()

    def step(self, action):
        chosen = np.reshape(action, -1) - self.action_space.start
        parts = np.split(self.mask(), np.cumsum(self.counts())[:-1])
        assert all(part[a] for part, a in zip(parts, chosen, strict=True)), "forbidden"
        self.t += 1
        return self.observe(), float(chosen[0]), False, self.t == 4, self.info()

    def counts(self):
        return [3]


class SeenTurns(Turns):
    """The mask is part of the observation."""

    observation_space = spaces.Dict(
        {"action_mask": spaces.MultiBinary(3), "turn": spaces.Discrete(2)}
    )

    def observe(self):
        return {"action_mask": self.mask(), "turn": self.t % 2}

    def info(self):
        return {}


class SeenEnd(SeenTurns):
    """The last observation allows nothing."""

    def mask(self):
        return super().mask() * np.int8(self.t < 4)


class ManyTurns(Turns):
    """Two choices at a time, their masks in a tuple."""

    action_space = spaces.MultiDiscrete([3, 2])

    def mask(self):
        return np.concatenate([super().mask(), [self.t % 2, 1 - self.t % 2]]).astype(np.int8)

    def info(self):
        whole = self.mask()
        return {"action_mask": (whole[:3], whole[3:])}

    def counts(self):
        return [3, 2]


class NothingAllowed(Turns):
    def mask(self):
        return np.zeros(3, np.int8)


class ShortMask(Turns):
    def info(self):
        return {"action_mask": np.ones(2, np.int8)}
