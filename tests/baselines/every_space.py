"""Every kind of space that Gymnasium has, and an environment that can have any of them."""

from collections import OrderedDict
from copy import deepcopy

import gymnasium as gym
import numpy as np
from gymnasium import spaces

INF = np.inf


def box(low, high, dtype=np.float32):
    return spaces.Box(np.array(low, dtype), np.array(high, dtype), dtype=dtype)


BOTH = {
    "discrete": spaces.Discrete(3),
    "discrete one": spaces.Discrete(1),
    "discrete late": spaces.Discrete(3, start=10),
    "discrete negative": spaces.Discrete(3, start=-9),
    "discrete int32": spaces.Discrete(3, start=5, dtype=np.int32),
    "discrete uint8": spaces.Discrete(3, dtype=np.uint8),
    "discrete uint64": spaces.Discrete(3, start=2**63 + 5, dtype=np.uint64),
    "multi discrete": spaces.MultiDiscrete([2, 3]),
    "multi discrete late": spaces.MultiDiscrete([2, 3], start=[7, -4]),
    "multi discrete int8": spaces.MultiDiscrete([2, 3], start=[7, -4], dtype=np.int8),
    "multi discrete uint64": spaces.MultiDiscrete([2, 3], np.uint64, start=[2**63 + 1, 3]),
    "box": spaces.Box(-1, 1, (2,)),
    "box scalar": spaces.Box(2, 3, ()),
    "box matrix": spaces.Box(-1, 1, (2, 2)),
    "box float16": spaces.Box(-2, 2, (2,), np.float16),
    "box float64": spaces.Box(-2, 2, (2,), np.float64),
    "box far": box([5, -7], [6, -6]),
    "box unbounded": spaces.Box(-INF, INF, (2,)),
    "box from": box([5, 5], [INF, INF]),
    "box up to": box([-INF, -INF], [-5, -5]),
    "box in part": box([-INF, 3, 2], [0, 4, INF]),
    "box of one point": box([3, -1], [3, 1]),
    "box huge": spaces.Box(np.finfo(np.float64).min, np.finfo(np.float64).max, (2,), np.float64),
    "multi discrete matrix": spaces.MultiDiscrete([[2, 3], [3, 2]], start=[[1, 0], [0, -3]]),
    "multi binary": spaces.MultiBinary(3),
    "multi binary matrix": spaces.MultiBinary([2, 2]),
    "box uint8": spaces.Box(0, 255, (2, 2, 3), np.uint8),
    "box bool": spaces.Box(0, 1, (2,), np.bool_),
    "tuple": spaces.Tuple((spaces.Discrete(3, start=4), spaces.Box(-1, 1, (2,)))),
    "tuple of one": spaces.Tuple((spaces.Discrete(3, dtype=np.uint8),)),
    "dict": spaces.Dict(
        eye=spaces.Box(0, 1, (2,)),
        hand=spaces.Tuple((spaces.MultiBinary(2), spaces.Dict(grip=spaces.Discrete(2)))),
    ),
    "dict unsorted": spaces.Dict(OrderedDict(z=spaces.Discrete(2), a=spaces.Box(0, 1, (2,)))),
    "dict of numbers": spaces.Dict({1: spaces.Discrete(2), 0: spaces.Box(0, 1, (2,))}),
}
"""Served as observations and as actions."""

ONLY_SEEN = {
    "multi discrete scalar": spaces.MultiDiscrete(np.array(3)),
    "box int64": spaces.Box(-(2**63), 2**63 - 1, (2,), np.int64),
    "box empty": spaces.Box(0, 1, (0,)),
}
"""Served as observations, refused as actions."""

REFUSED = {
    "discrete too many": spaces.Discrete(2**40),
    "text": spaces.Text(4),
    "sequence": spaces.Sequence(spaces.Discrete(3)),
    "sequence stacked": spaces.Sequence(spaces.Box(0, 1, (2,)), stack=True),
    "graph": spaces.Graph(spaces.Box(-1, 1, (2,)), spaces.Discrete(2)),
    "one of": spaces.OneOf((spaces.Discrete(2), spaces.Box(0, 1, (2,)))),
    "sequence within": spaces.Dict(
        a=spaces.Discrete(2), b=spaces.Tuple((spaces.Sequence(spaces.Discrete(3)),))
    ),
    "tuple empty": spaces.Tuple(()),
}
"""Refused as both."""

EVERY = {**BOTH, **ONLY_SEEN, **REFUSED}

NOT_SAMPLED = {"box huge", "multi discrete scalar"}
"""What Gymnasium draws from them is an error, or not in the space."""


class Anything(gym.Env):
    """Shows elements of one space for three steps, and takes elements of another.

    It writes into what it is given, as an environment may.
    """

    def __init__(self, seen="discrete", done="discrete", render_mode=None):
        self.observation_space, self.action_space = deepcopy((EVERY[seen], EVERY[done]))
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.observe(), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"{action!r} is not in {self.action_space}")
        if isinstance(action, np.ndarray) and action.flags.writeable:
            action[...] = 0
        self.steps += 1
        return self.observe(), 1.0, False, self.steps == 3, {}

    def observe(self):
        if self.observation_space == EVERY["box huge"]:  # Gymnasium cannot sample it
            return np.array([1e10, -1e-40])
        return self.observation_space.sample()

    def render(self):
        return np.zeros((40, 60, 3), np.uint8)
