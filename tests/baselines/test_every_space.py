"""Each space is served in all places, or refused in one line before anything is built."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence

from popgym.baselines.build import algorithm_config
from popgym.baselines.checks import check, policy_spec
from popgym.baselines.ppo.runner import RolloutRunner
from popgym.play.actors import policy_actor, random_actor
from popgym.play.recording import record
from popgym.runs.environment import make_environments
from popgym.runs.evaluate import evaluate
from popgym.runs.policy import Policy, load_policy
from popgym.runs.settings import Settings
from popgym.spaces.flatten import Flattener
from tests.baselines.every_space import BOTH, EVERY, NOT_SAMPLED, ONLY_SEEN, REFUSED, Anything
from tests.runs.specimens import SMALL

ENV = f"{Anything.__module__}:Anything"
SERVED = {**{name: (name, name) for name in BOTH}, **{name: (name, "box") for name in ONLY_SEEN}}
each_served = pytest.mark.parametrize("pair", SERVED.values(), ids=SERVED)


def settings(pair, **overrides):
    options = dict(zip(("seen", "done"), pair, strict=True))
    small = {**SMALL, "num_envs": 2, "rollout": 8, "minibatch_size": 16, **overrides}
    return Settings(env=ENV, memory="gru", env_options=options, **small).resolved()


def agent(pair):
    """A policy of a run that has learned nothing yet."""
    env = Anything(*pair)
    spec = policy_spec(settings(pair), env.observation_space, env.action_space)
    torch.manual_seed(0)
    return Policy(spec, spec.build())


@each_served
def test_training_plays_a_space_that_is_served(pair):
    chosen = settings(pair)
    check(chosen)
    runner = RolloutRunner(config=algorithm_config(chosen), worker_index=0)
    (rollout,) = runner.sample()
    assert rollout.start.sum() == 6 and np.count_nonzero(rollout.final_values) == 4
    inputs, actions = torch.from_numpy(rollout.action_inputs), torch.from_numpy(rollout.actions)
    distribution = runner.actor.distribution
    for numbers in (
        *rollout.inputs.values(),
        rollout.values,
        distribution.log_prob(inputs, actions),
    ):
        assert np.isfinite(np.asarray(numbers)).all()
    flatten = Flattener(runner.env.single_action_space)
    shown = rollout.inputs["numbers"][:, :, -1 - flatten.size : -1]
    for t in range(1, 8):  # the previous action, and none at a start
        expected = flatten(distribution.to_env(rollout.actions[:, t - 1]))
        expected[rollout.start[:, t]] = 0.0
        np.testing.assert_array_equal(shown[:, t], expected)
    runner.stop()


@each_served
def test_processes_play_as_one_process_does(pair):
    player, played = agent(pair), []
    for vectorization in ("sync", "async"):
        env = make_environments(ENV, 2, settings(pair).env_options, vectorization)
        player.require_spaces(env.single_observation_space, env.single_action_space)
        obs, state, start = env.reset(seed=3)[0], None, np.ones(2, bool)
        inputs = []
        for _ in range(5):
            player.check(obs)
            inputs += player._encode(obs, state and state.previous_action, start).values()
            actions, state = player.act_many(obs, state, start)
            obs, _, terminated, truncated, _ = env.step(actions)
            start = terminated | truncated
        env.close()
        played.append(inputs)
    for one, other in zip(*played, strict=True):
        np.testing.assert_array_equal(one, other)


@each_served
def test_a_saved_policy_plays_alone_and_among_many_and_is_shown(pair, tmp_path):
    agent(pair).save(tmp_path)
    player, env = load_policy(tmp_path), Anything(*pair, render_mode="rgb_array")
    assert player.observation_space == env.observation_space
    assert player.action_space == env.action_space
    obs, state = env.reset(seed=0)[0], None
    for _ in range(3):
        action, state = player.act(obs, state, deterministic=False)
        assert player.action_space.contains(action)
        shown = deepcopy(state.previous_action)
        obs = env.step(action)[0]  # which writes into the action
        assert data_equivalence(state.previous_action, shown)
    assert len(list(record(env, policy_actor(player, env)))) == 4
    result = evaluate(player, ENV, env_options=settings(pair).env_options, episodes=2)
    assert result.lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    "what, pair",
    [
        *[("observation", (name, "discrete")) for name in REFUSED],
        *[("action", ("discrete", name)) for name in [*REFUSED, *ONLY_SEEN]],
    ],
    ids=str,
)
def test_a_space_that_is_not_served_is_refused_in_one_line_with_what_to_do(what, pair):
    with pytest.raises(ValueError, match=rf"^the {what} space ") as caught:
        check(settings(pair))
    message = str(caught.value)
    assert "\n" not in message
    assert " ".join(str(EVERY[pair[what == "action"]]).split()) in message
    assert "Box" in message
    wrap = f"wrap the environment in a gymnasium.{what.capitalize()}Wrapper"
    assert wrap in message or "use a Box of real numbers" in message


@pytest.mark.parametrize("name", sorted(EVERY.keys() - NOT_SAMPLED))
def test_actions_of_every_space_are_put_into_words(name):
    env = Anything("discrete", name, render_mode="rgb_array")
    assert len(list(record(env, random_actor(env, 0)))) == 4


def test_a_space_that_cannot_be_saved_is_refused_before_training(monkeypatch):
    odd = spaces.Dict({(1, 2): spaces.Discrete(2)})
    monkeypatch.setitem(EVERY, "odd", odd)
    with pytest.raises(ValueError, match=r"cannot be saved: the keys of a Dict .* got \(1, 2\)"):
        check(settings(("odd", "discrete")))
