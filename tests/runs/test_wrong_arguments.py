"""What Python users give by mistake: one line that names the value and says what is allowed."""

import numpy as np
import pytest
from gymnasium import spaces

import popgym
from popgym.baselines.train import resume, train
from popgym.envs import RepeatPreviousEasy
from popgym.memory import GRU
from popgym.runs.evaluate import evaluate
from popgym.wrappers import Flatten
from tests.runs.specimens import policy

DISCRETE, BOX = spaces.Discrete(4), spaces.Box(-1, 1, (2,))


def refused(error, message, call, *args, **kwargs):
    with pytest.raises(error, match=message) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"episodes": 2.5}, ValueError, "episodes must be a whole number from 1 to .*, got 2.5"),
        ({"episodes": 10**30}, ValueError, r"episodes must be .*, got 1e\+30"),
        ({"seed": 2.5}, ValueError, "^seed must be a whole number at least 0, got 2.5"),
        ({"seed": -1}, ValueError, "^seed must be a whole number at least 0, got -1"),
        ({"deterministic": "no"}, ValueError, "^deterministic must be True or False, got 'no'"),
        ({"env_options": 3}, TypeError, "^env_options must be a dict of options"),
        ({"wrappers": "Flatten"}, TypeError, "^wrappers must be a list, .* got 'Flatten'"),
        ({"wrappers": [3]}, TypeError, "^a wrapper must be a name, or a class or function .*got 3"),
        (
            {"env": RepeatPreviousEasy()},
            TypeError,
            r"^env must be a name or a callable .* instance.*: pass a class, or a function as in",
        ),
        (
            {"env": lambda: RepeatPreviousEasy},
            ValueError,
            r"must be a single gymnasium.Env, got <class .*: call it, as in RepeatPreviousEasy\(\)",
        ),
    ],
)
def test_an_evaluation_refuses(wrong, error, message):
    arguments = {"env": "RepeatPreviousEasy", "episodes": 1, **wrong}
    refused(error, message, evaluate, policy(action_space=DISCRETE), **arguments)


def test_a_path_that_is_no_run_folder_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for call in (evaluate, popgym.load, resume):
        refused(ValueError, "^there is no run folder .*/absent", call, tmp_path / "absent")
        refused(ValueError, "/file is a file, no run folder: name the folder of a run", call, file)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"memory": GRU}, "^memory must be a name, such as .*, got the class GRU$"),
        ({"memory": GRU(3, 5)}, "^memory must be a name, such as .*, got a GRU$"),
        ({"until": 3}, "^until must be a function of a row of progress.csv, got 3$"),
        ({"out": 3}, "^a run folder is named by its path, got 3$"),
        ({"env": RepeatPreviousEasy()}, "^env must be a name or a callable"),
    ],
)
def test_training_refuses_before_it_begins(tmp_path, monkeypatch, wrong, message):
    monkeypatch.chdir(tmp_path)
    refused(TypeError, message, train, **{"env": "RepeatPreviousEasy", **wrong})
    assert list(tmp_path.iterdir()) == []


def test_a_policy_refuses_what_is_no_state():
    refused(TypeError, "^state must be what the last call returned.*'x'", policy().act, 0, "x")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([1, 0], "^action_mask must have 3 numbers, one for each choice, got 2$"),
        ([], "^action_mask must have 3 numbers, one for each choice, got 0$"),
        ([1, 0, 7], "^action_mask must hold 1 for allowed and 0 for other choices, got "),
        (["a", "b", "c"], "^action_mask must hold 1 for allowed and 0 for other choices, got "),
        (np.zeros(3), "^action_mask must allow at least one choice"),
    ],
)
def test_a_policy_refuses_a_wrong_mask(mask, message):
    refused(ValueError, message, policy(masked=True).act, 0, action_mask=mask)


def test_a_mask_that_cannot_be_used_is_refused_with_the_reason():
    refused(ValueError, "^the policy was trained without", policy().act, 0, action_mask=[1, 0, 1])
    message = r"^actions of Box\(.*\) cannot be masked, only Discrete and MultiDiscrete ones"
    refused(ValueError, message, policy(action_space=BOX).act, 0, action_mask=[1, 0])


def test_a_wrapper_refuses_a_class():
    message = r"^a wrapper takes an environment, got the class RepeatPreviousEasy: make one, as in"
    for name in popgym.wrappers.__all__:
        if not name.startswith("Vector"):
            refused(TypeError, message, getattr(popgym.wrappers, name), RepeatPreviousEasy)
    refused(TypeError, "^a wrapper takes an environment, got 3$", Flatten, 3)


def test_scores_are_those_of_a_name_or_a_class():
    message = "^env must be the name or the class of an environment, got <"
    refused(TypeError, message, popgym.envs.reference_scores, RepeatPreviousEasy())


def test_a_limit_of_any_size_is_taken():
    assert RepeatPreviousEasy(max_episode_steps=10**30).max_episode_length == 51
