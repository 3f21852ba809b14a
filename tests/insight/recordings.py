"""Recorded episodes of random inputs, tiny policies, and memories with known gradients."""

from typing import NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from popgym.insight.recording import Recording
from popgym.memory.base import Memory
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from tests.runs.specimens import NETWORK

SIZE = NETWORK["hidden_size"]
LEAKY, DETACHED = f"{__name__}:Leaky", f"{__name__}:Detached"


def policy_with(memory="gru", options=None, *, obs=None, actions=None, network=None, **overrides):
    """Return a policy whose heads are not nearly zero, as fresh ones are."""
    obs, actions = obs or spaces.Discrete(4), actions or spaces.Discrete(3)
    network = {**NETWORK, **(network or {})}
    spec = PolicySpec(obs, actions, memory, options or {}, network, **overrides)
    net = spec.build(0)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for head in (net.actor_head, net.critic_head):
            head.weight.normal_(generator=rng)
    return Policy(spec, net)


def recording_of(policy, *lengths, seed=0):
    """Return episodes of these lengths with random inputs."""
    rng, B, T = np.random.default_rng(seed), len(lengths), max(lengths)

    def array(name, shape):
        if name == "mask":
            return np.ones((B, *shape), bool)
        if name.startswith("picture"):
            return rng.integers(0, 256, (B, *shape), np.uint8)
        return rng.standard_normal((B, *shape)).astype(np.float32)

    shapes = policy.spec.encoder().shapes
    inputs = [{name: array(name, shape) for name, shape in shapes.items()} for _ in range(T)]
    rewards = [np.zeros(B)] * T
    return Recording(inputs, rewards=rewards, lengths=np.array(lengths), complete=np.ones(B, bool))


class LeakyState(NamedTuple):
    """State: the sum."""

    total: Tensor


class Leaky(Memory):
    """y_t = Σ_D a^D x_{t−D}, whose Jacobian is a^D times the identity."""

    source = "a test"

    def __init__(self, input_size, hidden_size, decay=0.8):
        super().__init__(input_size, hidden_size)
        self.decay = decay

    def initial_state(self, batch_size):
        return LeakyState(torch.zeros(batch_size, self.input_size))

    def forward(self, x, state, start=None):
        total, found = state.total, []
        for x_t in x.unbind(1):
            total = self.decay * total + x_t
            found.append(total)
        return torch.stack(found, 1), LeakyState(total)


class Detached(Leaky):
    """Gives no gradient back."""

    def forward(self, x, state, start=None):
        return super().forward(x.detach(), state, start)
