"""Ray actors that play and learn: the same training, and what happens when one is lost."""

import threading

import numpy as np
import pytest
import ray

from popgym.baselines.build import algorithm_config, start_ray
from popgym.baselines.train import train
from popgym.runs.errors import BrokenEnvironmentError, RunError, TrainingDivergedError
from tests.baselines.ppo.conftest import SMALL
from tests.baselines.ppo.toys import Countdown

# One cluster of Ray at a time: two of them would share this machine and its session folder.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module", autouse=True)
def _ray():
    start_ray(4)
    yield
    ray.shutdown()


def test_runners_play_and_learners_learn(tmp_path):
    run = train("RepeatPreviousEasy", steps=1024, runners=2, learners=2, out=tmp_path / "run",
                progress=False, **SMALL)  # fmt: skip
    assert run.rows[-1]["steps"] >= 1024
    assert all(np.isfinite(row["kl"]) for row in run.rows)
    assert run.policy().act(2)[0] in range(4)


def test_learners_begin_as_in_one_process_and_keep_equal_weights(build):
    options = {"env": "PositionOnlyCartPoleEasy", "seed": 3}  # its observations are normalised
    alone = build(**options).env_runner.module.state_dict()
    algorithm = build(runners=1, learners=2, **options)
    (remote,) = algorithm.env_runner_group.foreach_env_runner(
        lambda runner: runner.module.state_dict(), local_env_runner=False
    )
    for name, tensor in remote.items():
        np.testing.assert_array_equal(tensor.numpy(), alone[name].numpy(), err_msg=name)
    for _ in range(2):
        algorithm.train()
    first, second = algorithm.learner_group.foreach_learner(
        lambda learner: learner.module["default_policy"].unwrapped().state_dict()
    )
    (acting,) = algorithm.env_runner_group.foreach_env_runner(
        lambda runner: runner.module.state_dict(), local_env_runner=False
    )
    for name, tensor in first.get().items():
        np.testing.assert_array_equal(tensor.numpy(), second.get()[name].numpy(), err_msg=name)
        np.testing.assert_array_equal(tensor.numpy(), acting[name].numpy(), err_msg=name)
    assert acting["net.inputs.normaliser.mean"].any()


def test_a_remote_runner_holds_the_learners_weights_also_after_a_rollback(build, tmp_path):
    algorithm = build(runners=2)
    group = algorithm.env_runner_group

    def runner_sums():
        return group.foreach_env_runner(
            lambda runner: sum(float(w.abs().sum()) for w in runner.module.state_dict().values()),
            local_env_runner=False,
        )

    algorithm.train()
    algorithm.save_to_path(str(tmp_path / "checkpoint"))
    module = algorithm.learner_group._learner.module["default_policy"]
    then = sum(float(w.abs().sum()) for w in module.state_dict().values())
    for _ in range(2):
        algorithm.train()
    algorithm.restore_from_path(str(tmp_path / "checkpoint"))
    assert runner_sums() == pytest.approx([then, then], rel=1e-6)


def test_a_killed_runner_comes_back(build):
    algorithm = build(runners=2)
    algorithm.train()
    group = algorithm.env_runner_group
    ray.kill(group._worker_manager.actors()[1], no_restart=False)
    before = algorithm.train()["num_env_steps_sampled_lifetime"]
    threading.Timer(
        0.03, lambda: ray.kill(group._worker_manager.actors()[2], no_restart=False)
    ).start()
    for _ in range(20):
        result = algorithm.train()
        if group.num_healthy_remote_workers() == 2:
            break
    assert group.num_healthy_remote_workers() == 2
    assert result["num_env_steps_sampled_lifetime"] > before


def test_a_lost_learner_ends_the_run_with_the_way_to_go_on(tmp_path, monkeypatch):
    import popgym.baselines.loop as module

    saved = module.save

    def save_and_kill(algorithm, folder, iteration):
        saved(algorithm, folder, iteration)
        ray.kill(algorithm.learner_group._workers[0])

    monkeypatch.setattr(module, "save", save_and_kill)
    lost = (
        r"a Ray actor was lost: a learner .*; resume from iteration 1 with: popgym train --resume"
    )
    with pytest.raises(RunError, match=lost):
        train("RepeatPreviousEasy", steps=10_000, learners=2, checkpoint_every=1,
              out=tmp_path / "run", progress=False, **SMALL)  # fmt: skip


def test_a_broken_environment_is_named_from_a_remote_runner(tmp_path):
    with pytest.raises(BrokenEnvironmentError, match=r"Raising.*the motor is on fire"):
        train("tests.baselines.ppo.toys:Raising", steps=1000, runners=2, out=tmp_path / "run",
              progress=False, **SMALL)  # fmt: skip


def test_a_loss_that_is_not_finite_in_a_remote_learner_is_told(tmp_path):
    huge = 1e30  # travels with the lambda

    class Huge(Countdown):
        def step(self, action):
            obs, _, *rest = super().step(action)
            return obs, huge, *rest

    with pytest.raises(TrainingDivergedError, match=r"is not finite .*lower the learning rate"):
        train(lambda: Huge(), steps=1000, learners=1, normalise_rewards=False,
              out=tmp_path / "run", progress=False, **SMALL)  # fmt: skip


def test_an_environment_that_cannot_be_made_in_a_runner_is_named(tmp_path, capfd):
    class OnlyHere(Countdown):
        def __init__(self):
            if ray.get_runtime_context().get_actor_id() is not None:
                raise OSError("no screen")

    message = r"environment OnlyHere \(callable\) cannot be made: OSError: no screen"
    with pytest.raises(BrokenEnvironmentError, match=message):
        train(OnlyHere, steps=1000, runners=1, out=tmp_path / "run", progress=False, **SMALL)
    assert "Traceback" not in capfd.readouterr().err


def test_ray_tune_runs_the_algorithm(tmp_path):
    from ray import tune

    from popgym.baselines.ppo import RecurrentPPO
    from popgym.runs.settings import Settings

    config = algorithm_config(Settings(env="RepeatPreviousEasy", **SMALL).resolved())
    config.training(lr=tune.grid_search([1e-4, 1e-3]))
    run_config = tune.RunConfig(
        storage_path=str(tmp_path), stop={"training_iteration": 2}, verbose=0,
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
    )  # fmt: skip
    results = tune.Tuner(RecurrentPPO, param_space=config, run_config=run_config).fit()
    assert not results.errors
    assert sorted(result.config["lr"] for result in results) == [1e-4, 1e-3]
    restored = RecurrentPPO.from_checkpoint(results[0].checkpoint.path)
    assert restored.train()["training_iteration"] == 3
    restored.stop()
