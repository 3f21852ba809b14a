"""A restored algorithm goes on as if it had never stopped: weights, optimiser, randomness."""

import copy

import numpy as np
import pytest
import torch
import tree

from popgym.baselines.ppo import RecurrentPPO


def weights(algorithm):
    module = algorithm.learner_group._learner.module["default_policy"]
    return {name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


def runner_weights(algorithm):
    return {k: v.numpy().copy() for k, v in algorithm.env_runner.module.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize(
    ("env", "memory"), [("RepeatPreviousEasy", "frameconv"), ("PositionOnlyPendulumEasy", "gru")]
)
def test_a_restored_run_repeats_the_uninterrupted_one_bit_for_bit(build, tmp_path, env, memory):
    options = {"env": env, "memory": memory, "kl_coefficient": 0.5, "kl_target": 1e-6}
    going = build(**options)
    for _ in range(2):
        going.train()
    # more than any batch deviates, so that what follows depends on it
    going.learner_group._learner._advantage_scale.largest_deviation = 1.0
    going.save_to_path(str(tmp_path / "checkpoint"))
    results = [going.train() for _ in range(2)]

    torch.manual_seed(123)  # the process's own randomness must not matter
    restored = build(**options)
    restored.train()
    restored.restore_from_path(str(tmp_path / "checkpoint"))
    assert restored.learner_group._learner._advantage_scale.largest_deviation == 1.0
    again = [restored.train() for _ in range(2)]

    assert_same(weights(going), weights(restored))
    for one, other in zip(results, again, strict=True):
        for key in ("training_iteration", "num_env_steps_sampled_lifetime"):
            assert one[key] == other[key], key
        played, replayed = one["env_runners"], other["env_runners"]
        assert (
            played["num_env_steps_sampled_lifetime"] == replayed["num_env_steps_sampled_lifetime"]
        )
        learned, relearned = (r["learners"]["default_policy"] for r in (one, other))
        assert float(learned["mean_kl_loss"]) == float(relearned["mean_kl_loss"])
        assert float(learned["curr_kl_coeff"]) == float(relearned["curr_kl_coeff"])


def snapshot(state):
    """The arrays and numbers of a state, by path."""
    return dict(tree.flatten_with_path(copy.deepcopy(state)))


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    for path, value in one.items():
        np.testing.assert_equal(value, other[path], err_msg=str(path))


@pytest.mark.parametrize("who", ["runner", "learner"])
def test_a_state_is_the_takers_to_keep_and_stays_the_givers(build, who):
    algorithm = build("PositionOnlyCartPoleEasy", memory="gru")
    part = algorithm.env_runner if who == "runner" else algorithm.learner_group._learner
    algorithm.train()
    taken = part.get_state()
    then = snapshot(taken)
    algorithm.train()
    assert_equal_states(snapshot(taken), then)
    for _ in range(2):
        part.set_state(taken)
        assert_equal_states(snapshot(taken), then)
        algorithm.train()
        assert_equal_states(snapshot(taken), then)


def test_a_state_whose_arrays_cannot_be_written_to_is_taken(build):
    algorithm = build("PositionOnlyCartPoleEasy", memory="gru")
    algorithm.train()
    for part in (algorithm.env_runner, algorithm.learner_group._learner):
        state = part.get_state()
        tree.map_structure(
            lambda v: v.setflags(write=False) if hasattr(v, "setflags") else v, state
        )
        part.set_state(state)
    algorithm.train()


def test_a_living_algorithm_rolls_back_to_an_older_checkpoint(build, tmp_path):
    algorithm = build()
    algorithm.train()
    algorithm.save_to_path(str(tmp_path / "checkpoint"))
    then = weights(algorithm)
    for _ in range(3):
        algorithm.train()
    assert any((then[k] != w).any() for k, w in weights(algorithm).items())
    algorithm.restore_from_path(str(tmp_path / "checkpoint"))
    assert_same(weights(algorithm), then)
    assert_same(runner_weights(algorithm), then)


def test_an_algorithm_can_be_made_from_a_checkpoint_alone(build, tmp_path):
    algorithm = build()
    algorithm.train()
    algorithm.save_to_path(str(tmp_path / "checkpoint"))
    made = RecurrentPPO.from_checkpoint(str(tmp_path / "checkpoint"))
    try:
        assert_same(weights(algorithm), weights(made))
        assert made.train()["training_iteration"] == 2
    finally:
        made.stop()


def test_without_snapshots_of_its_environments_a_run_begins_new_episodes(build, tmp_path):
    algorithm = build("CartPole-v1")
    algorithm.train()
    algorithm.save_to_path(str(tmp_path / "checkpoint"))
    restored = build("CartPole-v1")
    restored.restore_from_path(str(tmp_path / "checkpoint"))
    (rollout,) = restored.env_runner.sample()
    assert rollout.start[:, 0].all()
