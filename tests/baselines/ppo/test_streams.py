"""No episode is played twice, and training leaves the process's random numbers alone."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import popgym
from popgym.baselines.build import algorithm_config
from popgym.baselines.ppo import RecurrentPPOConfig
from popgym.baselines.ppo.runner import RolloutRunner
from popgym.baselines.ppo.sampling import sample_rollouts
from popgym.baselines.train import resume
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.settings import Settings
from tests.baselines.ppo.conftest import SMALL
from tests.baselines.ppo.toys import Logged

LOGGED = "tests.baselines.ppo.toys:Logged"
ENVS = [LOGGED, "PositionOnlyCartPoleEasy"]
STEPS = 128  # of an iteration


@pytest.fixture(autouse=True)
def _empty_log():
    Logged.drawn.clear()


@pytest.fixture
def runner():
    """Makes single runners, as a Ray actor would."""
    made = []

    def _runner(env=LOGGED, worker_index=0, in_evaluation=False, **overrides):
        settings = Settings(env=env, memory="gru", **{**SMALL, **overrides}).resolved()
        config = algorithm_config(settings)
        config.in_evaluation = in_evaluation
        made.append(RolloutRunner(config=config, worker_index=worker_index))
        return made[-1]

    yield _runner
    for one in made:
        one.stop()


def played(runner):
    """The first observation of every episode that begins on a new rollout, and the actions."""
    (rollout,) = runner.sample()
    observed = rollout.inputs.get("measured", rollout.inputs["numbers"])
    firsts = observed[rollout.start][:, :2]
    return {tuple(first) for first in firsts.tolist()}, rollout.actions


def train(out, **settings):
    return popgym.train(
        settings.pop("env", LOGGED), "gru", out=out, progress=False, **{**SMALL, **settings}
    )


def rows(run):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.rows]


def weights(run):
    return {name: weight.tolist() for name, weight in run.policy().net.state_dict().items()}


# ---- episodes


@pytest.mark.parametrize("env", ENVS)
@pytest.mark.parametrize(
    "other",
    [
        {"worker_index": 1},
        {"worker_index": 2},
        {"seed": 1},
        {"seed": 2},
        {"in_evaluation": True},
        {"in_evaluation": True, "worker_index": 1},
    ],
    ids=str,
)
def test_other_runners_seeds_and_evaluations_play_other_episodes_and_actions(runner, env, other):
    episodes, actions = played(runner(env))
    again, same = played(runner(env))
    assert episodes == again and len(episodes) >= SMALL["num_envs"]
    np.testing.assert_array_equal(actions, same)
    others, elses = played(runner(env, **other))
    assert not episodes & others
    assert (actions != elses).any()


@pytest.mark.parametrize("env", ENVS)
def test_a_runner_that_comes_back_plays_new_episodes(runner, env):
    first = runner(env, worker_index=1)
    before, _ = played(first)
    back = runner(env, worker_index=1)
    back.note_steps_made(2 * STEPS)
    after, _ = played(back)
    assert not before & after


def test_sampling_tells_runners_how_far_the_run_is(build):
    group = build(LOGGED).env_runner_group
    sample_rollouts(group, 2 * STEPS, 1000, None)
    assert group.local_env_runner.num_env_steps_sampled_lifetime == 1000 + 2 * STEPS


def test_a_resumed_run_on_gymnasiums_environments_plays_new_episodes_the_same_each_time(tmp_path):
    train(tmp_path / "run", steps=2 * STEPS, num_envs=4)
    first = list(Logged.drawn)
    resumed = []
    for steps in (4, 6):
        Logged.drawn.clear()
        resume(tmp_path / "run", steps=steps * STEPS, progress=False)
        resumed.append(list(Logged.drawn))
    everything = [*first, *resumed[0], *resumed[1]]
    assert len(everything) == len(set(everything)) >= 6 * STEPS


def test_evaluations_play_what_neither_training_nor_each_other_plays(tmp_path):
    train(tmp_path / "plain", steps=2 * STEPS)
    trained = list(Logged.drawn)
    Logged.drawn.clear()
    run = train(tmp_path / "run", steps=2 * STEPS, eval_every=2, eval_episodes=16)
    assert set(trained) < set(Logged.drawn)
    assert len(Logged.drawn) == len(set(Logged.drawn)) >= 2 * STEPS + 16
    for seed in (0, 1):
        popgym.evaluate(run.policy(), LOGGED, episodes=64, seed=seed)
    assert len(Logged.drawn) == len(set(Logged.drawn))


def test_every_evaluation_of_a_run_plays_the_same_episodes(build):
    algorithm = build(LOGGED, eval_every=1, eval_episodes=16)
    evaluated = []
    for _ in range(2):
        algorithm.training_step()
        Logged.drawn.clear()
        algorithm.evaluate()
        evaluated.append(list(Logged.drawn))
    assert evaluated[0] == evaluated[1]
    assert len(set(evaluated[0])) >= 16


def test_a_training_runner_that_evaluates_goes_on_with_new_episodes(runner):
    one = runner()
    one.sample()
    one.sample(num_episodes=16)
    one.sample()
    assert len(Logged.drawn) == len(set(Logged.drawn))


# ---- the process's own generators


def states():
    return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()


def test_training_evaluating_and_loading_leave_the_process_its_random_numbers(tmp_path):
    before = states()
    run = train(tmp_path / "run", steps=2 * STEPS, eval_every=1, eval_episodes=8)
    assert states() == before
    resume(run.path, steps=3 * STEPS, progress=False)
    policy = popgym.load(run.path)
    popgym.evaluate(policy, LOGGED, episodes=8, deterministic=False)
    assert states() == before


def test_two_trainings_at_the_same_time_are_each_as_if_alone(tmp_path):
    alone = train(tmp_path / "alone", env="RepeatPreviousEasy", steps=3 * STEPS)
    with ThreadPoolExecutor(2) as threads:
        two = list(
            threads.map(
                lambda name: train(tmp_path / name, env="RepeatPreviousEasy", steps=3 * STEPS),
                ("one", "other"),
            )
        )
    for run in two:
        assert rows(run) == rows(alone)
        assert weights(run) == weights(alone)


# ---- weights and the configuration


def test_learner_runner_and_policy_begin_with_the_weights_of_the_seed(build, runner):
    algorithm = build(memory="gru", seed=5)
    env = algorithm.env_runner.env
    settings = Settings(env="RepeatPreviousEasy", memory="gru", **SMALL).resolved()
    spec = PolicySpec(
        env.single_observation_space, env.single_action_space, "gru", {}, settings.network
    )
    built = {
        "learner": algorithm.learner_group._learner.module["default_policy"].net,
        "runner, before the learner's weights come": runner("RepeatPreviousEasy", seed=5).net,
        "policy": spec.build(5),
    }
    for who, net in built.items():
        for name, weight in algorithm.env_runner.net.state_dict().items():
            np.testing.assert_array_equal(net.state_dict()[name], weight, err_msg=f"{who} {name}")
    assert any(
        (weight != spec.build(5).state_dict()[name]).any()
        for name, weight in spec.build(6).state_dict().items()
    )


def test_rllibs_own_way_to_give_a_seed_is_taken():
    config = RecurrentPPOConfig().debugging(seed=3)
    assert (config.run_seed, config.seed) == (3, None)
    assert config.copy().run_seed == 3
    assert RecurrentPPOConfig().update_from_dict({"seed": 4}).run_seed == 4
    assert RecurrentPPOConfig().update_from_dict(config.to_dict()).run_seed == 3
    assert RecurrentPPOConfig().run_seed is None


def test_without_a_seed_two_runs_differ():
    def rollout():
        settings = Settings(env=LOGGED, memory="gru", **SMALL).resolved()
        one = RolloutRunner(config=algorithm_config(settings).debugging(seed=None), worker_index=0)
        return played(one)[0]

    assert not rollout() & rollout()
