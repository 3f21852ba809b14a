"""A rollout holds the acting network's numbers, the right starts, the right values at ends."""

import numpy as np
import pytest
import torch

from popgym.memory.ops.resets import steps_in_episode
from popgym.runs.errors import BrokenEnvironmentError
from tests.baselines.ppo.conftest import SMALL

TOYS = "tests.baselines.ppo.toys"
ENVS = ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy", f"{TOYS}:Mixed"]
EMBEDDED = {**SMALL["network"], "embedding": "sine"}


def replay(algorithm, rollout):
    """What the learner computes from a rollout."""
    net = algorithm.learner_group._learner.module["default_policy"].net
    state = net.unflatten_state({k: torch.from_numpy(v) for k, v in rollout.state.items()})
    with torch.no_grad():
        inputs = {name: torch.from_numpy(array) for name, array in rollout.inputs.items()}
        logits, values, _ = net(inputs, state, torch.from_numpy(rollout.start))
    return logits.numpy(), values.numpy()


@pytest.mark.parametrize("memory", ["frameconv", "gru", "mlp"])
@pytest.mark.parametrize("env", ENVS)
def test_learning_sees_what_acting_saw(build, env, memory):
    algorithm = build(
        env, memory=memory, rollout=40, network={**SMALL["network"], "embedding": "sine"}
    )
    starts = 0
    for _ in range(3):  # the second and third rollouts begin within episodes
        (rollout,) = algorithm.env_runner.sample()
        logits, values = replay(algorithm, rollout)
        np.testing.assert_allclose(logits, rollout.action_inputs, atol=2e-5)
        np.testing.assert_allclose(values, rollout.values, atol=2e-5)
        starts += rollout.start[:, 1:].sum()
        algorithm.train()  # and the runner has the new weights
    assert starts > 0


def test_before_any_update_the_ratio_is_one_and_the_divergence_zero(build):
    algorithm = build(lr=0.0, kl_coefficient=0.2)
    result = algorithm.train()["learners"]["default_policy"]
    assert abs(float(result["mean_kl_loss"])) < 1e-6
    # The mean of standardised advantages is 0, and so is the policy's loss at ratio 1.
    assert abs(float(result["policy_loss"])) < 1e-5


def test_a_start_follows_every_end(build):
    algorithm = build()
    (first,) = algorithm.env_runner.sample()
    (second,) = algorithm.env_runner.sample(num_timesteps=8 * 60)
    ends = first.terminated | first.truncated
    assert first.start[:, 0].all()
    np.testing.assert_array_equal(first.start[:, 1:], ends[:, :-1])
    np.testing.assert_array_equal(second.start[:, 0], ends[:, -1])
    assert second.terminated.any()


def test_the_network_sees_the_previous_action_and_the_start_but_not_over_a_start(build):
    algorithm = build()
    algorithm.env_runner.sample(num_timesteps=8 * 48)
    (rollout,) = algorithm.env_runner.sample()
    suit, previous, flag = np.split(rollout.inputs["numbers"], [4, 8], axis=-1)
    assert (suit.sum(-1) == 1).all()
    np.testing.assert_array_equal(flag[..., 0], rollout.start)
    assert rollout.start[:, 1:].any()
    for b, t in np.ndindex(rollout.start[:, 1:].shape):
        expected = np.zeros(4) if rollout.start[b, t + 1] else np.eye(4)[rollout.actions[b, t]]
        np.testing.assert_array_equal(previous[b, t + 1], expected)


def test_a_truncated_episode_is_valued_by_its_own_last_observation_and_memory(build):
    algorithm = build(f"{TOYS}:Countdown", memory="gru", num_envs=3, rollout=9)
    (rollout,) = algorithm.env_runner.sample()
    net = algorithm.env_runner.net
    assert rollout.truncated.sum() == 3 * 2
    assert not rollout.terminated.any()
    for b in range(3):
        # One episode alone, its last observation (4) included, from the initial state.
        action = np.eye(2, dtype=np.float32)[rollout.actions[b, 3]]
        last = {"measured": [4.0], "numbers": [*action, 0.0]}
        inputs = {
            name: torch.from_numpy(np.vstack([array[b, :4], np.float32(last[name])]))[None]
            for name, array in rollout.inputs.items()
        }
        with torch.no_grad():
            _, values, _ = net(inputs, net.initial_state(1), None)
        assert rollout.final_values[b, 3] == pytest.approx(values[0, -1].item(), abs=1e-5)
    assert np.count_nonzero(rollout.final_values) == 6


def test_the_rollout_ends_with_the_value_of_the_observation_that_follows(build):
    algorithm = build("PositionOnlyCartPoleEasy", memory="gru")
    (first,) = algorithm.env_runner.sample()
    (second,) = algorithm.env_runner.sample()
    np.testing.assert_allclose(first.last_value, second.values[:, 0], atol=1e-6)


def test_cutting_play_into_rollouts_changes_nothing(build):
    one = build(rollout=48).env_runner.sample()[0]
    runner = build(rollout=16).env_runner
    three = [runner.sample()[0] for _ in range(3)]
    inputs = np.concatenate([rollout.inputs["numbers"] for rollout in three], 1)
    np.testing.assert_array_equal(inputs, one.inputs["numbers"])
    for name in ("start", "actions", "rewards", "terminated"):
        joined = np.concatenate([getattr(rollout, name) for rollout in three], 1)
        np.testing.assert_array_equal(joined, getattr(one, name), err_msg=name)


def test_the_step_count_goes_on_from_rollout_to_rollout(build):
    runner = build(rollout=20).env_runner
    runner.sample()
    (rollout,) = runner.sample()
    time = torch.from_numpy(rollout.state["time"])
    steps = steps_in_episode(time, 20, torch.from_numpy(rollout.start))
    assert steps.tolist() == [list(range(20, 40))] * 8


@pytest.mark.parametrize("episodes", [24, 21, 3])  # of 8 environments
def test_evaluation_plays_exactly_the_episodes_asked_for(build, episodes):
    runner = build("PositionOnlyCartPoleEasy").env_runner
    runner.sample(num_episodes=episodes, explore=False)
    lengths = [length for chunk, _ in runner.actor.finished for length in chunk]
    returns = [total for _, chunk in runner.actor.finished for total in chunk]
    assert len(lengths) == episodes
    np.testing.assert_allclose(returns, np.array(lengths) / 200, atol=1e-6)


@pytest.mark.parametrize("action", ["Mixed", "MixedMultiDiscrete", "MixedBox"])
def test_every_supported_action_space_trains(build, action):
    result = build(f"{TOYS}:{action}", kl_coefficient=0.2, entropy_coefficient=0.01).train()
    assert np.isfinite(float(result["learners"]["default_policy"]["total_loss"]))


@pytest.mark.parametrize(
    ("toy", "message"),
    [
        ("Raising", r"failed in step\(\): RuntimeError: the motor is on fire"),
        ("NotANumber", r"environment 0: observation has the value nan"),
        ("Outside", r"environment 0: observation has the value 11\.0 .* outside its space Box"),
        ("EndsNotANumber", r"environment 0: observation has the value nan"),
        ("EndsInAnotherShape", "an episode ended with an observation of another structure"),
        ("InfiniteReward", "a reward that is not finite"),
    ],
)
def test_a_broken_environment_is_named(build, toy, message):
    with pytest.raises(BrokenEnvironmentError, match=f"{toy}.*{message}"):
        build(f"{TOYS}:{toy}").train()


@pytest.mark.parametrize("vectorization", ["sync", "async"])
@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"last": np.nan}, "environment 2: observation has the value nan"),
        ({"last": 8.0}, r"environment 2: observation has the value 11\.0"),
        ({"last": np.zeros(3)}, "observation must have shape"),
        ({"first": np.nan}, "environment 2 gave a reward that is not finite, nan"),
        ({"first": -1e300}, r"environment 2 gave a reward that is not finite, -1e\+300"),
    ],
    ids=str,
)
def test_one_broken_environment_of_several_is_named(build, vectorization, broken, message):
    algorithm = build(f"{TOYS}:Breaks", num_envs=3, rollout=9, vectorization=vectorization)
    for name, value in broken.items():
        algorithm.env_runner.env.set_attr(name, [0.0, 0.0, value])
    algorithm.env_runner.env.set_attr(
        "length", [4, 5, 3]
    )  # the third's episode is the first to end
    with pytest.raises(BrokenEnvironmentError, match=f"environment {TOYS}:Breaks: .*{message}"):
        algorithm.train()


@pytest.mark.parametrize("space", ["Text", "Sequence"])
def test_an_unsupported_space_is_refused(build, space):
    with pytest.raises(ValueError, match=space):
        build(f"{TOYS}:{space}Only")
