"""Other plausible observations."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete

from popgym.insight.alternatives import alternatives
from popgym.insight.recording import record
from popgym.runs.environment import make_environments
from tests.insight.memories import policy_of


class Constant(gym.Env):
    """An environment in which nothing can be seen."""

    observation_space, action_space = Discrete(2), Discrete(2)

    def __init__(self, steps=4):
        self.steps = steps

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return 1, {}

    def step(self, action):
        self.t += 1
        return 1, 0.0, self.t == self.steps, False, {}


class Camera(Constant):
    """Pictures and numbers; the picture shows the step."""

    observation_space = Dict(
        {"picture": Box(0, 255, (8, 8, 3), np.uint8), "number": Box(-1, 1, (2,), np.float32)}
    )

    def _see(self):
        picture = np.full((8, 8, 3), 10 * self.t, np.uint8)
        return {"picture": picture, "number": np.zeros(2, np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._see(), {}

    def step(self, action):
        _, *rest = super().step(action)
        return self._see(), *rest


def found(env, *, episodes=3, seed=1, max_steps=30):
    policy = policy_of(env)
    environments = make_environments(env, episodes)
    recording = record(policy, environments, seed=seed, max_steps=max_steps)
    others = alternatives(policy, environments, recording, seed=seed)
    environments.close()
    return policy, recording, others


@pytest.mark.parametrize("env", ["RepeatPreviousEasy", "CartPole-v1", "PositionOnlyCartPoleEasy"])
def test_alternatives_differ_in_the_observation_alone(env):
    policy, recording, others = found(env)
    size = policy.spec.encoder()._numbers.observation_size
    for episode, inputs, usable in zip(
        recording.episodes, others.inputs, others.usable, strict=True
    ):
        assert usable.all()
        differ = np.zeros(episode.steps, bool)
        for name, array in episode.inputs.items():
            assert array.shape == inputs[name].shape
            differ |= (array != inputs[name]).any(-1)
        assert differ.all()
        kept = episode.inputs["numbers"][:, size:]
        assert (inputs["numbers"][:, size:] == kept).all()  # previous action and start flag


def test_hidden_draws_are_used_where_there_are_any():
    _, recording, others = found("RepeatPreviousEasy")
    assert (others.drawn, others.borrowed) == (recording.lengths.sum(), 0)
    _, recording, others = found("CartPole-v1")
    assert (others.drawn, others.borrowed) == (0, recording.lengths.sum())


def test_pictures_are_exchanged_with_the_numbers():
    _, recording, others = found(Camera)
    for episode, inputs in zip(recording.episodes, others.inputs, strict=True):
        assert inputs["picture0"].dtype == np.uint8
        assert (inputs["picture0"] != episode.inputs["picture0"]).reshape(4, -1).any(1).all()


def test_where_all_observations_are_equal_there_is_no_alternative():
    _, recording, others = found(Constant)
    assert recording.lengths.tolist() == [4, 4, 4]
    assert not any(each.any() for each in others.usable)
    assert (others.drawn, others.borrowed) == (0, 0)


def test_one_episode_borrows_from_its_own_steps():
    _, _, others = found("CartPole-v1", episodes=1)
    assert others.usable[0].all()
