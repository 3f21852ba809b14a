"""Runs of environments given in Python, in wrappers, and on a GPU that is not there."""

import json
import threading

import pytest
import ray
import torch

import popgym
from popgym.baselines.build import running_algorithm
from popgym.baselines.ppo import RecurrentPPOConfig, no_cluster
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.settings import Settings
from tests.baselines.ppo.toys import Countdown, Guess
from tests.runs.specimens import SMALL

STEPS = 128  # of an iteration
TOYS = "tests.baselines.ppo.toys"


class Counted(Countdown):
    """Holds something that no other process can have."""

    lock = threading.Lock()

    def __init__(self, steps=4, lock=None):
        self.steps = steps

    def step(self, action):
        obs, reward, *_ = super().step(action)
        return obs, reward, self.t == self.steps, False, {}


def train(env, **settings):
    return popgym.train(env, "gru", **{"progress": False, "steps": STEPS, **SMALL, **settings})


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a callable that cannot be pickled, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    lock = threading.Lock()
    return train(lambda steps=2: Counted(steps, lock), env_options={"steps": 3})


def test_a_callable_trains_under_the_name_of_what_it_makes(run):
    assert run.rows[0]["return_mean"] == 3.0
    assert run.path.name == "Counted-gru-seed0"
    config = json.loads((run.path / "config.json").read_text())
    assert config["settings"]["env"] == "Counted (callable)"


def test_a_run_of_a_callable_goes_on_when_it_is_given_again(run):
    again = (
        r"was trained on Counted, a callable .*popgym\.resume\('.*Counted-gru-seed0', env=\.\.\.\)"
    )
    with pytest.raises(ValueError, match=again):
        popgym.resume(run.path, steps=2 * STEPS)
    more = popgym.resume(run.path, lambda steps: Counted(steps), steps=2 * STEPS, progress=False)
    assert [row["return_mean"] for row in more.rows] == [3.0, 3.0]


def test_a_run_of_a_callable_takes_no_callable_with_other_spaces(run):
    with pytest.raises(ValueError, match=r"observation space .* the run's is"):
        popgym.resume(run.path, lambda steps: Guess(), steps=2 * STEPS)


def test_a_run_of_a_name_takes_no_other_environment(tmp_path):
    run = train(f"{TOYS}:Countdown", out=tmp_path / "run")
    with pytest.raises(
        ValueError, match=f"keeps its environment, here {TOYS}:Countdown: leave out env"
    ):
        popgym.resume(run.path, Counted)


def test_a_run_of_a_callable_is_evaluated_with_it(run):
    result = popgym.evaluate(run.policy(), lambda: Counted(5), episodes=4)
    assert result.lengths.tolist() == [5] * 4
    with pytest.raises(ValueError, match=r"was given in Python.*popgym\.evaluate\(policy, env\)"):
        popgym.evaluate(run.policy(), run.folder.settings.env, episodes=4)


def test_a_callable_that_cannot_travel_is_refused_before_any_actor_is_made(tmp_path):
    lock = threading.Lock()
    with pytest.raises(ValueError, match="cannot be sent to other processes"):
        train(lambda: Counted(2, lock), runners=1, out=tmp_path / "run")
    assert not ray.is_initialized()
    assert list(tmp_path.iterdir()) == []


def test_wrappers_are_recorded_and_played_in(tmp_path):
    run = train("RepeatPreviousEasy", wrappers=["PreviousAction", "Flatten"], out=tmp_path / "r")
    assert run.folder.settings.wrappers == ["PreviousAction", "Flatten"]
    assert run.policy().observation_space.shape == (8,)


def test_a_checkpoint_holds_what_wrappers_remember():
    settings = Settings("RepeatPreviousEasy", "gru", wrappers=["Antialias"], **SMALL).resolved()
    with running_algorithm(settings) as made:
        made.train()
        play = made.env_runner.get_state()["play"]
        assert play["environments"].keys() == {"env", "value", "over"}
        made.env_runner.set_state(made.env_runner.get_state())


def test_an_environment_that_cannot_be_closed_is_found_before_training(tmp_path):
    class Stuck(Countdown):
        def close(self):
            raise OSError("the door is stuck")

    message = r"environment Stuck \(callable\) failed in close\(\): OSError: the door is stuck"
    with pytest.raises(BrokenEnvironmentError, match=message):
        train(Stuck, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_cannot_be_closed_after_play_loses_nothing(tmp_path):
    class Stuck(Countdown):
        def close(self):
            if hasattr(self, "t"):
                raise OSError("the door is stuck")

    with pytest.warns(UserWarning, match=r"failed in close\(\): OSError: the door is stuck"):
        run = train(Stuck, out=tmp_path / "run")
    assert run.rows and run.policy()


def test_an_error_whose_constructor_wants_more_than_a_message_is_told(tmp_path):
    class TwoArgumentsError(Exception):
        def __init__(self, what, code):
            super().__init__(f"{what}, code {code}")

    class Odd(Countdown):
        def step(self, action):
            raise TwoArgumentsError("it is stuck", 7)

    with pytest.raises(
        BrokenEnvironmentError, match=r"step\(\): TwoArgumentsError: it is stuck, code 7"
    ):
        train(Odd, out=tmp_path / "run")


# ---- on a GPU


def test_the_learners_device_is_the_gpu_and_a_runners_is_not():
    config = RecurrentPPOConfig().learners(local_gpu_idx=1)
    assert no_cluster.device_of(config, 1) == torch.device("cuda:1")
    assert no_cluster.device_of(config, 0) == torch.device("cpu")


def test_training_on_a_gpu_starts_no_cluster_and_plays_on_the_cpu(monkeypatch):
    asked = []

    def device_of(config, num_gpus):
        asked.append(num_gpus)
        return torch.device("cpu")

    def init(*args, **kwargs):
        raise AssertionError("a cluster is started")

    monkeypatch.setattr(no_cluster, "device_of", device_of)
    monkeypatch.setattr(ray, "init", init)
    settings = Settings(
        "RepeatPreviousEasy", "gru", device="cuda", eval_every=1, eval_episodes=8, **SMALL
    )
    with running_algorithm(settings.resolved()) as made:
        made.train()
        assert asked == [1]
        for group in (made.env_runner_group, made.eval_env_runner_group):
            assert group.local_env_runner._device == torch.device("cpu")
    assert not ray.is_initialized()
