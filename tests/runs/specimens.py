"""What several tests of runs share: a tiny network and a run folder filled without training."""

import numpy as np
import torch
from gymnasium import spaces

from popgym.memory import GRU
from popgym.runs.policy import Policy, PolicySpec
from popgym.runs.settings import Settings
from tests.baselines.ppo.toys import Countdown, Guess

NETWORK = {
    "preprocessor_input_size": 16, "preprocessor": [16], "hidden_size": 16,
    "actor": [16], "critic": [16],
}  # fmt: skip
SMALL = {"num_envs": 8, "rollout": 16, "epochs": 2, "minibatch_size": 64, "network": NETWORK}
ROW = {"iteration": 1, "steps": 128, "seconds": 0.5, "episodes": 3, "return_mean": None}


def settings(env="RepeatPreviousEasy", **overrides):
    return Settings(env=env, **{**SMALL, **overrides}).resolved()


def policy(observation_space=None, action_space=None, memory="gru", seed=0, **overrides):
    torch.manual_seed(seed)
    observation_space = observation_space or spaces.Discrete(4)
    action_space = action_space or spaces.Discrete(3)
    spec = PolicySpec(observation_space, action_space, memory, {}, NETWORK, **overrides)
    net = spec.build()
    with torch.no_grad():  # fresh heads are nearly zero; let observation and memory matter
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return Policy(spec, net)


def row(iteration, **overrides):
    return {**ROW, "iteration": iteration, "steps": 128 * iteration, **overrides}


class OwnMemory(GRU):
    """A user's memory."""


class HugeReward(Countdown):
    def step(self, action):
        obs, _, terminated, truncated, info = super().step(action)
        return obs, 1e30, terminated, truncated, info


class CannotBeMade(Countdown):
    def __init__(self):
        raise OSError("no such level")


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
