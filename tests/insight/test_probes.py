import json
import math
import sys
from typing import NamedTuple

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor

from popgym.insight import probe_states
from popgym.insight.probes import probe
from popgym.insight.recording import Recording, record
from popgym.memory import GRU
from popgym.memory.base import Memory
from popgym.runs.environment import make_environments
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from tests.runs.specimens import NETWORK

DELAY = 5


class EchoState(NamedTuple):
    """State: what was seen, and what a probe does not get because it is not a real number."""

    seen: Tensor
    line: Tensor


class Echo(Memory):
    """Shows exactly the input ``DELAY`` steps ago."""

    source = "a test"

    def initial_state(self, batch_size):
        line = torch.zeros(batch_size, DELAY, self.input_size, dtype=torch.int32)
        return EchoState(torch.zeros(batch_size, self.input_size), line)

    def forward(self, x, state, start=None):
        assert x.shape[1] == 1
        line = torch.cat([state.line, x.contiguous().view(torch.int32)], 1)
        if start is not None:
            line = line.masked_fill(start[:, :, None], 0)
        return x, EchoState(line[:, 0].view(torch.float32), line[:, 1:])


class Exploding(GRU):
    """Has an infinite state from the first step."""

    def forward(self, x, state, start=None):
        y, after = super().forward(x, state, start)
        return y, type(after)(torch.full_like(after.hidden, math.inf))


ECHO, EXPLODING = f"{__name__}:Echo", f"{__name__}:Exploding"


def played(env, memory, options=None, *, episodes=12, max_steps=100, seed=0):
    """Return a policy with random weights, and a recording of it."""
    with_env = make_environments(env, episodes)
    spec = PolicySpec(
        with_env.single_observation_space, with_env.single_action_space, memory, options or {},
        NETWORK,
    )  # fmt: skip
    policy = Policy(spec, spec.build(0))
    recording = record(policy, with_env, seed=seed, max_steps=max_steps)
    with_env.close()
    return policy, recording


def probed(*given, lags=None, **options):
    return probe(*played(*given, **options), seed=0, lags=lags)


def values(probed, name):
    return np.array([getattr(each, name).value for each in probed])


def test_a_stack_of_frames_holds_the_observations_in_it_and_no_others():
    """A window of 4 with the next step: the state has the last three inputs."""
    found = probed("RepeatPreviousEasy", "frameconv", {"stack_size": 4}, lags=range(7))
    assert [each.lag for each in found.lags] == [*range(7)]
    for scores in (values(found.lags, "linear"), values(found.lags, "mlp")):
        assert (scores[:3] > 0.99).all()
        assert (scores[3:] < 0.36).all()
    chance = np.array([each.chance for each in found.lags])
    assert np.abs(chance - 1 / 4).max() < 0.06
    observation = values(found.lags, "observation")
    assert observation[0] == 1
    assert (observation[1:] < 0.36).all()
    assert found.farthest_lag == 2
    assert found.notes == []


def test_the_hidden_state_is_probed_number_by_number():
    """In RepeatPrevious it is the last four suits, the latest of which is the observation."""
    found = probed("RepeatPreviousEasy", "frameconv", {"stack_size": 4}, lags=[0])
    names = [each.name for each in found.hidden]
    assert names == [f"hidden[{part}][{i}]" for part in (0, 1) for i in range(4)]
    assert [each.kind for each in found.hidden] == ["accuracy"] * 4 + ["R2"] * 4
    suits = found.hidden[:4]
    np.testing.assert_array_less(0.99, values(suits[1:], "linear"))
    assert suits[0].linear.value < 0.4
    assert values(suits, "observation")[3] == 1
    assert (values(suits, "observation")[:3] < 0.4).all()
    assert [each.held for each in suits] == [False, True, True, False]
    assert all(each.chance == 0 for each in found.hidden[4:])


def test_a_memory_of_what_was_seen_five_steps_ago_holds_nothing_else():
    found = probed("RepeatPreviousEasy", ECHO, lags=[0, 3, 4, 5, 6, 7])
    scores = values(found.lags, "linear")
    assert scores[3] > 0.99
    assert (np.delete(scores, 3) < 0.36).all()
    assert found.farthest_lag == 5
    assert found.state_size == NETWORK["preprocessor"][-1]


def test_a_stack_of_positions_holds_the_velocities():
    found = probed("PositionOnlyCartPoleEasy", "frameconv", episodes=24, max_steps=60)
    assert [each.name for each in found.hidden] == [f"hidden[{i}]" for i in range(4)]
    assert (values(found.hidden, "linear") > 0.99).all()
    assert (values(found.hidden, "mlp") > 0.99).all()
    observation = values(found.hidden, "observation")  # fast carts are further off, too
    assert (observation[[0, 2]] > 0.999).all()
    assert (observation[[1, 3]] < 0.8).all()
    assert [each.held for each in found.hidden] == [False, True, False, True]
    assert [each.lag for each in found.lags] == [0, 1, 2, 4, 8]
    for each in found.hidden + found.lags:
        assert each.kind == "R2"
        assert each.chance == 0
        assert abs(each.shuffled.value) < 0.2
        assert each.linear.low <= each.linear.value <= each.linear.high <= 1
    assert [each.numbers for each in found.lags] == [2] * 5


def test_a_policy_without_a_state_is_compared_with_nothing_but_its_observation():
    found = probed("RepeatPreviousEasy", "mlp", lags=[0, 1])
    assert found.notes == ["the memory has no state: only the current observation is probed"]
    assert found.farthest_lag is None
    assert found.state_size == 0
    for name in ("linear", "mlp", "shuffled"):
        assert np.isnan(values(found.lags + found.hidden, name)).all()
    assert found.lags[0].observation == (1, 1, 1)
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    assert data["lags"][0]["linear"] == [None, None, None]
    assert data["lags"][0]["observation_mlp"] == [1, 1, 1]
    assert data["farthest_lag"] is None


def test_large_parts_of_the_hidden_state_are_one_target_each():
    found = probed("AutoencodeEasy", "gru", lags=[0])
    deck, mode, left = found.hidden
    assert (deck.name, deck.kind, deck.numbers) == ("hidden[0]", "accuracy", 52)
    assert (mode.name, mode.kind, left.name, left.kind) == (
        "hidden[1]",
        "accuracy",
        "hidden[2]",
        "R2",
    )
    assert [each.name for each in found.lags] == ["observation 0 steps ago"]
    assert found.lags[0].kind == "accuracy"


def test_gymnasium_environments_tell_no_hidden_state():
    found = probed("CartPole-v1", "gru", max_steps=10, lags=[0, 2])
    assert found.hidden == []
    assert [each.kind for each in found.lags] == ["R2", "R2"]
    assert found.lags[0].observation.value > 0.999


def test_one_episode_cannot_be_divided():
    found = probed("RepeatPreviousEasy", "gru", episodes=1)
    assert found.hidden == found.lags == []
    assert found.notes == ["probes need at least two episodes, one to train with and one to test"]
    json.dumps(found.as_data(), allow_nan=False)


def test_two_episodes_give_scores_without_intervals():
    found = probed("RepeatPreviousEasy", "frameconv", episodes=2, lags=[0])
    assert found.lags[0].linear.value > 0.8
    assert math.isnan(found.lags[0].linear.low)
    assert "one test episode gives no intervals" in found.notes
    assert found.episodes == (1, 1)


@pytest.mark.parametrize("episodes", [2, 16])
def test_episodes_of_one_step_have_no_past(episodes):
    found = probed("RepeatPreviousEasy", "gru", episodes=episodes, max_steps=1)
    assert "episodes have one step, so there is no past to probe" in found.notes
    assert [each.lag for each in found.lags] == [0] * (episodes > 2)
    json.dumps(found.as_data(), allow_nan=False)


def test_lags_that_no_episode_has_are_noted():
    found = probed("RepeatPreviousEasy", "gru", max_steps=6, lags=[0, 6])
    assert [each.lag for each in found.lags] == [0]
    assert "observation 6 steps ago: no test episode is long enough" in found.notes


@pytest.mark.parametrize("lag", [-1, 1.5])
def test_a_lag_must_be_a_whole_number(lag):
    with pytest.raises(ValueError, match="lags must be a whole number at least 0"):
        probed("RepeatPreviousEasy", "gru", episodes=2, max_steps=3, lags=[lag])


@pytest.mark.parametrize("largest", [1024, 8])  # as it is, and projected
def test_a_state_that_is_not_finite_is_not_probed(monkeypatch, largest):
    monkeypatch.setattr(probe_states, "MOST_NUMBERS", largest)
    found = probed("RepeatPreviousEasy", EXPLODING, max_steps=10, lags=[0])
    assert "the state has numbers that are not finite: it is not probed" in found.notes
    assert math.isnan(found.lags[0].linear.value)
    assert found.lags[0].observation.value > 0.8


def test_equal_seeds_give_equal_numbers():
    policy, recording = played("RepeatPreviousEasy", "gru", episodes=6)
    before = {name: value.clone() for name, value in policy.net.state_dict().items()}
    random = torch.get_rng_state()
    first, again, other = (probe(policy, recording, seed=s, lags=[2]).as_data() for s in (1, 1, 2))
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), random)
    after = policy.net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(parameter.grad is None for parameter in policy.net.parameters())


def test_progress_is_told():
    lines = []
    probe(*played("RepeatPreviousEasy", "gru", episodes=4), seed=0, lags=[0], progress=lines.append)
    assert lines[-1] == "probing what the state holds of past observations"


def test_without_scikit_learn_the_message_says_how_to_install_it(monkeypatch):
    given = played("RepeatPreviousEasy", "gru", episodes=4, max_steps=5)
    for name in [each for each in sys.modules if each.split(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'popgym\[inspect\]'"):
        probe(*given, seed=0)


def test_an_observation_that_never_varies_is_not_probed():
    spec = PolicySpec(spaces.Box(0, 1, (2,)), spaces.Discrete(2), "gru", {}, NETWORK)
    policy = Policy(spec, spec.build(0))
    shapes = spec.encoder().shapes.items()
    inputs = [{name: np.ones((4, *shape), np.float32) for name, shape in shapes}] * 5
    recording = Recording(
        inputs, rewards=[np.zeros(4)] * 5, lengths=np.full(4, 5), complete=np.ones(4, bool)
    )
    found = probe(policy, recording, seed=0, lags=[0])
    assert found.lags == []
    expected = "observation 0 steps ago does not vary in the training episodes and is not probed"
    assert found.notes == [expected]
