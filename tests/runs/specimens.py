"""What several tests of runs share: a tiny network and a run folder filled without training."""

import random

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from popgym.memory import GRU
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.settings import Settings
from tests.baselines.ppo.toys import Countdown, Guess

TOYS, OWN = "tests.baselines.ppo.toys", "tests.runs.specimens"
NETWORK = {
    "preprocessor_input_size": 16, "preprocessor": [16], "hidden_size": 16,
    "actor": [16], "critic": [16],
}  # fmt: skip
SMALL = {
    "num_envs": 8,
    "rollout": 16,
    "lr_final": None,
    "epochs": 2,
    "minibatch_size": 64,
    "network": NETWORK,
}
ROW = {"iteration": 1, "steps": 128, "seconds": 0.5, "episodes": 3, "return_mean": None}


def settings(env="RepeatPreviousEasy", **overrides):
    return Settings(env=env, **{**SMALL, **overrides}).resolved()


def policy(
    observation_space=None, action_space=None, memory="gru", seed=0, network=NETWORK, **overrides
):
    torch.manual_seed(seed)
    observation_space = observation_space or spaces.Discrete(4)
    action_space = action_space or spaces.Discrete(3)
    spec = PolicySpec(observation_space, action_space, memory, {}, network, **overrides)
    net = spec.build()
    with torch.no_grad():  # fresh heads are nearly zero; let observation and memory matter
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return Policy(spec, net)


def row(iteration, **overrides):
    return {**ROW, "iteration": iteration, "steps": 128 * iteration, **overrides}


class OwnMemory(GRU):
    """A user's memory."""


class Scaled(GRU):
    """A GRU times the product of all numbers among its options, whatever they are called."""

    def __init__(self, input_size, hidden_size, **options):
        super().__init__(input_size, hidden_size)
        self.options = options
        numbers = [value for value in options.values() if isinstance(value, float)]
        self.scale = torch.tensor(numbers).prod().item()

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y * self.scale, state


class Tied(GRU):
    """Two layers after a GRU that are one."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.first = nn.Linear(hidden_size, hidden_size)
        self.second = nn.Linear(hidden_size, hidden_size)
        self.second.weight = self.first.weight

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return self.second(self.first(y).tanh()), state


class Transposed(GRU):
    """A buffer whose numbers do not lie in order, and one that is a part of it."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("mixing", torch.randn(hidden_size, hidden_size).T)
        self.register_buffer("shift", self.mixing[0])

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y @ self.mixing + self.shift, state


class DrawnAnew(Transposed):
    """Has a buffer drawn at random that is not saved."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("mixing", self.mixing, persistent=False)


class DrawnByPython(GRU):
    """Has a number drawn at random that is no tensor."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.scale = random.uniform(0.5, 2.0)

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y * self.scale, state


class Noisy(GRU):
    """Adds noise, so that no two calls agree."""

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y + torch.rand_like(y), state


class NoTensor(GRU):
    """Has something in its state_dict that is no tensor."""

    def get_extra_state(self):
        return {"colour": "red"}

    def set_extra_state(self, state):
        pass


class CannotBeBuilt(GRU):
    def __init__(self, input_size, hidden_size):
        raise KeyError("size")


class HugeReward(Countdown):
    def step(self, action):
        obs, _, terminated, truncated, info = super().step(action)
        return obs, 1e30, terminated, truncated, info


class CannotBeMade(Countdown):
    def __init__(self):
        raise OSError("no such level")


class Counted(Guess):
    made = 0

    def __init__(self):
        Counted.made += 1


class Endless(Countdown):
    """Never ends."""

    def step(self, action):
        self.t = min(self.t + 1, 10)
        return np.array([self.t], np.float32), 1.0, False, False, {}


class GuessOn(Guess):
    """`Guess` that goes on after each answer."""

    def step(self, action):
        obs, reward, *_ = super().step(action)
        return obs, reward, False, False, {}


class Uneven(Countdown):
    """Every other episode is nine steps long, the others one."""

    episodes = 0

    def reset(self, *, seed=None, options=None):
        self.episodes += 1
        return super().reset(seed=seed)

    def step(self, action):
        obs, reward, *_ = super().step(action)
        return obs, reward, self.t == (1 if self.episodes % 2 else 9), False, {}


class EndlessAtMost(Endless):
    """Never ends, and gives up before a test waits for ever."""

    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps > 1000:
            raise RuntimeError("nobody stopped the episode")
        return super().step(action)
