"""Environments that show one thing each; importable by name."""

import copy
from typing import ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Countdown(gym.Env):
    """Truncates after four steps; the observation counts them."""

    observation_space = spaces.Box(0, 10, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.array([self.t], np.float32), {}

    def step(self, action):
        self.t += 1
        return np.array([self.t], np.float32), 1.0, False, self.t == 4, {}


class Mixed(Countdown):
    """Nested observations."""

    observation_space = spaces.Dict(
        a=spaces.Discrete(3), b=spaces.Tuple([spaces.Box(-1, 1, (2, 2)), spaces.MultiBinary(2)])
    )

    def _observe(self):
        return self.observation_space.sample()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._observe(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        _, reward, terminated, truncated, info = super().step(0)
        return self._observe(), reward, terminated, truncated, info


class MixedMultiDiscrete(Mixed):
    action_space = spaces.MultiDiscrete([2, 3])


class MixedBox(Mixed):
    action_space = spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32))


class Raising(Countdown):
    def step(self, action):
        raise RuntimeError("the motor is on fire")


class NotANumber(Countdown):
    def step(self, action):
        return np.array([np.nan], np.float32), 0.0, False, False, {}


class Outside(Countdown):
    def step(self, action):
        return np.array([11.0], np.float32), 0.0, False, False, {}


class EndsNotANumber(Countdown):
    """Shows what is no number, and at its very end alone."""

    def step(self, action):
        obs, *results = super().step(action)
        return obs * (np.nan if results[2] else 1), *results


class EndsInAnotherShape(Countdown):
    def step(self, action):
        obs, *results = super().step(action)
        return np.repeat(obs, self.np_random.integers(2, 1000) if results[2] else 1), *results


class InfiniteReward(Countdown):
    def step(self, action):
        return np.array([1.0], np.float32), float("inf"), False, False, {}


class TextOnly(Countdown):
    observation_space = spaces.Text(5)


class SequenceOnly(Countdown):
    action_space = spaces.Sequence(spaces.Discrete(3))


class Guess(gym.Env):
    """One step an episode: the action should equal the observation. Learned in seconds."""

    observation_space = spaces.Discrete(3)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.target = int(self.np_random.integers(3))
        return self.target, {}

    def step(self, action):
        return self.target, float(action == self.target), True, False, {}


class Reach(Guess):
    """The same with a real number: the reward falls with the distance to the observation."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-3, 3, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.target = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.target, {}

    def step(self, action):
        return self.target, -float(abs(action[0] - 2 * self.target[0])), True, False, {}


class Logged(Reach):
    """Writes down what each episode draws, in one list for all of this process."""

    drawn: ClassVar[list[float]] = []

    def reset(self, *, seed=None, options=None):
        obs, info = super().reset(seed=seed)
        self.drawn.append(float(obs[0]))
        return obs, info


class Breaks(Countdown):
    """Breaks as told."""

    length = 4
    last = first = 0.0  # what is added to the last observation, and to every reward

    def step(self, action):
        obs, reward, *_ = super().step(action)
        truncated = self.t == self.length
        obs = obs + self.last if truncated else obs
        return obs, reward + self.first, False, truncated, {}


class Fresh(gym.Env):
    """A random walk, truncated now and then, seen through nested arrays that are always new."""

    observation_space = spaces.Dict(
        place=spaces.Box(-100, 100, (2,), np.float32),
        also=spaces.Tuple([spaces.MultiBinary(2), spaces.Dict(t=spaces.Box(0, 100, (1,)))]),
    )
    action_space = spaces.Box(-1, 1, (2,), np.float32)
    reuses = False

    def __init__(self):
        self.arrays = {
            "place": np.zeros(2, np.float32),
            "also": (np.zeros(2, np.int8), {"t": np.zeros(1, np.float32)}),
        }
        self.info = {"place": self.arrays["place"], "seen": np.zeros(3)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.arrays["place"][:] = self.np_random.uniform(-90, 90, 2)
        self.arrays["also"][1]["t"][:] = 0
        return self._observe()

    def _observe(self):
        bits, time = self.arrays["also"]
        bits[:] = self.np_random.integers(0, 2, 2)
        time["t"] += 1
        self.info["seen"] += 1
        shown = self.arrays, self.info
        return shown if self.reuses else copy.deepcopy(shown)

    def step(self, action):
        if not self.reuses:
            action = action.copy()
        action += 0.5
        place = self.arrays["place"]
        place[:] = np.clip(place + action, -100, 100)
        obs, info = self._observe()
        return obs, float(place[0]) / 100, False, bool(self.np_random.random() < 0.3), info


class Reusing(Fresh):
    """The same, which writes into the arrays that it returned before, and into the action."""

    reuses = True
