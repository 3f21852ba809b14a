"""Memories whose horizon is known, and policies with random weights."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from popgym.memory import GRU
from popgym.memory.base import Memory
from popgym.memory.ops.resets import steps_in_episode
from popgym.runs.environment import make_environments
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec


class DelayState(NamedTuple):
    """State: the last inputs."""

    inputs: Tensor


class Delay(Memory):
    """A memory whose output is the input ``delay`` steps ago, through a layer."""

    source: ClassVar[str] = "a test"

    def __init__(self, input_size: int, hidden_size: int, delay: int = 3) -> None:
        super().__init__(input_size, hidden_size)
        self.delay = delay
        self.layer = torch.nn.Linear(input_size, hidden_size)

    def initial_state(self, batch_size):
        """Return zeros."""
        return DelayState(self.layer.weight.new_zeros(batch_size, self.delay, self.input_size))

    def forward(self, x, state, start=None):
        """Shift the inputs; the episodes of these tests never begin within a call."""
        assert start is None or x.shape[1] == 1
        before = state.inputs
        if start is not None:
            before = before.masked_fill(start[:, :1, None], 0)
        whole = torch.cat([before, x], 1)
        y = self.layer(whole[:, : x.shape[1]])
        return y, DelayState(whole[:, x.shape[1] :])


class ForgetfulState(NamedTuple):
    """State: that of a GRU, and the steps so far."""

    hidden: Tensor
    time: Tensor


class Forgetful(GRU):
    """A GRU whose state is cleared every five steps of an episode."""

    period = 5

    def initial_state(self, batch_size):
        """Return zeros."""
        hidden = super().initial_state(batch_size).hidden
        return ForgetfulState(hidden, torch.zeros(batch_size, 1, dtype=torch.int64))

    def forward(self, x, state, start=None):
        """Begin an episode of the GRU at every fifth step."""
        steps = steps_in_episode(state.time, x.shape[1], start)
        cleared = steps % self.period == 0
        y, after = _gru(self, x, state.hidden, cleared)
        return y, ForgetfulState(after, steps[:, -1:] + 1)


def _gru(memory, x, hidden, start):
    plain = GRU(memory.input_size, memory.output_size, memory.num_layers)
    plain.load_state_dict(memory.state_dict())
    y, after = plain(x, plain.state_type(hidden), start)
    return y, after.hidden


def policy_of(env, memory="gru", seed=0, spread=30.0, **options):
    """Return a policy with random weights, and whose actions depend on what it sees."""
    sample = make_environments(env, 1)
    spec = PolicySpec(
        sample.single_observation_space, sample.single_action_space, memory, options, {}
    )
    sample.close()
    net = spec.build(seed)
    with torch.no_grad():  # the heads begin with weights so small that all actions are equal
        net.actor_head.weight *= spread
        net.critic_head.weight *= spread
    return Policy(spec, net)


__all__ = ["Delay", "Forgetful", "policy_of"]
