import os
import pickle
import signal
import sys
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import popgym.envs
from popgym.core.vector import POPGymVectorEnv
from popgym.runs import names
from popgym.runs.environment import make_environments, make_one
from popgym.runs.names import resolve
from popgym.runs.source import source_of
from tests.baselines.ppo.toys import Countdown

TOYS = "tests.baselines.ppo.toys"


def test_names_ids_and_classes_are_found():
    assert resolve("RepeatPreviousEasy") == "popgym-RepeatPreviousEasy-v0"
    assert resolve("popgym-RepeatPreviousEasy-v0") == "popgym-RepeatPreviousEasy-v0"
    assert resolve("CartPole-v1") == "CartPole-v1"
    assert resolve(f"{TOYS}:Countdown").__qualname__ == "Countdown"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RepeatPreviousEasi", "RepeatPreviousEasy"),
        ("repeatpreviouseasy", "RepeatPreviousEasy"),
        ("CartPol-v1", "CartPole-v1"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=rf"no environment '{name}'; did you mean .*{nearest}"):
        resolve(name)


def test_a_name_like_no_other_is_sent_to_the_list():
    with pytest.raises(ValueError, match=r"'qqq'; `popgym envs` lists ours"):
        resolve("qqq")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:Env", "cannot import module 'no_such_module'"),
        (f"{TOYS}:Nothing", f"module '{TOYS}' has no such name"),
        (f"{TOYS}:np", "has a module there; it must be a gymnasium.Env class"),
        ("math:pi", "has a float there"),
        ("collections:OrderedDict", "has a type there"),
        (":Env", "module:Class"),
        (".relative:Env", "module:Class"),
    ],
)
def test_a_class_that_is_none_is_refused_with_the_reason(name, message):
    with pytest.raises(ValueError, match=message):
        resolve(name)


def test_gymnasiums_own_way_to_name_a_module_works(tmp_path, monkeypatch):
    (tmp_path / "registering.py").write_text(
        f"import gymnasium\ngymnasium.register('Count-v0', entry_point='{TOYS}:Countdown')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert resolve("registering:Count-v0") == "Count-v0"
    finally:
        gym.registry.pop("Count-v0", None)
        sys.modules.pop("registering", None)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that registers an environment of its own when it is imported."""
    (tmp_path / "tiny_rooms.py").write_text(
        f"import gymnasium\ngymnasium.register('Tiny-Room-v0', entry_point='{TOYS}:Countdown')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(names.PACKAGES, "Tiny-", "tiny_rooms")
    yield tmp_path / "tiny_rooms.py"
    gym.registry.pop("Tiny-Room-v0", None)
    sys.modules.pop("tiny_rooms", None)


def test_the_id_of_a_known_package_imports_it(package):
    assert resolve("Tiny-Room-v0") == "Tiny-Room-v0"
    assert make_environments("Tiny-Room-v0", 2).num_envs == 2


def test_a_known_package_suggests_its_ids(package):
    with pytest.raises(ValueError, match=r"'Tiny-Rom-v0'; did you mean Tiny-Room-v0"):
        resolve("Tiny-Rom-v0")


def test_a_known_package_that_cannot_be_imported_is_told(package):
    package.write_text("import no_such_engine")
    with pytest.raises(ValueError, match=r"Tiny-Room-v0.*tiny_rooms.*no_such_engine"):
        resolve("Tiny-Room-v0")


@pytest.mark.parametrize("folder", ["elsewhere", "tiny_rooms"])
def test_a_known_package_that_is_not_installed_is_named(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir()  # a folder of that name is no package
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(names.PACKAGES, "Tiny-", "tiny_rooms")
    with pytest.raises(ValueError, match="'Tiny-Room-v0'; install the package tiny_rooms"):
        resolve("Tiny-Room-v0")


def test_ours_step_natively_and_others_one_after_another_or_in_processes():
    kinds = {
        ("RepeatPreviousEasy", "sync"): POPGymVectorEnv,
        ("RepeatPreviousEasy", "async"): POPGymVectorEnv,
        ("CartPole-v1", "sync"): SyncVectorEnv,
        ("CartPole-v1", "async"): AsyncVectorEnv,
    }
    for (name, vectorization), kind in kinds.items():
        environments = make_environments(name, 2, vectorization=vectorization)
        assert isinstance(environments.unwrapped, kind), name
        assert environments.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
        environments.close()


@pytest.mark.parametrize("name", ["RepeatPreviousEasy", f"{TOYS}:Countdown"])
def test_an_episode_ends_and_begins_in_the_same_step(name):
    environments = make_environments(name, 3)
    environments.reset(seed=0)
    for _ in range(200):
        _, _, terminated, truncated, info = environments.step(np.zeros(3, np.int64))
        if (terminated | truncated).any():
            break
    assert "final_obs" in info
    environments.close()


def test_options_reach_the_environment():
    environments = make_environments("RepeatPreviousEasy", 1, {"num_decks": 2})
    environments.reset(seed=0)
    ends = [environments.step(np.zeros(1, np.int64))[2].item() for _ in range(103)]
    assert ends == [False] * 102 + [True]
    environments.close()
    assert make_one("CartPole-v1", {"sutton_barto_reward": True}).unwrapped._sutton_barto_reward


class Endless(gym.Env):
    """An environment without an end."""

    observation_space = action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 0.0, False, False, {}


class LimitsItself(Endless):
    """One with a limit of its own, which may be 0."""

    def __init__(self, max_episode_steps):
        self.limit = max_episode_steps


def make_endless(size=2, limit=None):
    """A function that makes an environment."""
    env = Endless()
    env.size = size
    return env if limit is None else gym.wrappers.TimeLimit(env, limit)


class OnlyK(popgym.envs.RepeatPrevious):
    """One of ours whose constructor takes less."""

    def __init__(self, k=4):
        super().__init__(k=k)


HERE = "tests.runs.test_environment"
ANY_KIND = [
    "RepeatPreviousEasy", "MountainCar-v0", f"{HERE}:Endless", f"{HERE}:OnlyK",
    f"{HERE}:make_endless",
]  # fmt: skip


@pytest.mark.parametrize("vectorization", ["sync", "async"])
@pytest.mark.parametrize("name", ANY_KIND)
def test_a_limit_of_steps_truncates_every_kind_of_environment(name, vectorization):
    options = {"max_episode_steps": 4}
    environments = make_environments(name, 2, options, vectorization)
    environments.reset(seed=0)
    ends = [environments.step(np.zeros(2, np.int64))[3].tolist() for _ in range(9)]
    environments.close()
    assert [end == [True, True] for end in ends] == [i in (3, 7) for i in range(9)]
    one = make_one(name, options)
    one.reset(seed=0)
    assert [one.step(0)[3] for _ in range(4)] == [False, False, False, True]


def test_a_limit_reaches_what_is_played_unwrapped():
    assert (
        make_one("RepeatPreviousEasy", {"max_episode_steps": 4}).unwrapped.max_episode_length == 4
    )
    assert make_one("RepeatPreviousEasy").unwrapped.max_episode_length == 51


@pytest.mark.parametrize("name", ANY_KIND)
@pytest.mark.parametrize("bad", [0, -3, 2.5, "4", True])
def test_a_wrong_limit_of_steps_is_refused_by_name(name, bad):
    for make in (partial(make_environments, name, 2), partial(make_one, name)):
        with pytest.raises(ValueError, match="max_episode_steps must be a whole number at least 1"):
            make({"max_episode_steps": bad})


def test_a_class_that_limits_itself_gets_its_own_argument():
    assert make_one(f"{HERE}:LimitsItself", {"max_episode_steps": 0}).limit == 0


@pytest.mark.parametrize("none", [None, -1])
def test_no_limit_may_be_asked_for(none):
    assert type(make_one(f"{HERE}:Endless", {"max_episode_steps": none})).__name__ == "Endless"


@pytest.mark.parametrize("name", ["CartPole-v1", f"{TOYS}:Countdown", "RepeatPreviousEasy"])
def test_an_option_that_the_environment_does_not_take_is_named(name):
    with pytest.raises(ValueError, match="colour"):
        make_environments(name, 2, {"colour": "red"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_hangup_do_not_reach_environments_in_processes_of_their_own(number):
    environments = make_environments("CartPole-v1", 2, vectorization="async")
    environments.reset(seed=0)
    for worker in environments.unwrapped.processes:
        os.kill(worker.pid, number)
    environments.step(np.zeros(2, np.int64))
    environments.close()
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_function_that_makes_an_environment_is_named_as_a_class_is():
    assert resolve(f"{HERE}:make_endless") is make_endless
    assert make_one(f"{HERE}:make_endless", {"size": 7}).unwrapped.size == 7
    assert make_one(f"{HERE}:make_endless").unwrapped.size == 2


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_a_function_and_its_options_reach_other_processes(vectorization):
    source = pickle.loads(pickle.dumps(source_of(f"{HERE}:make_endless")))
    environments = make_environments(source, 2, {"limit": 3}, vectorization)
    environments.reset(seed=0)
    ends = [environments.step(np.zeros(2, np.int64))[3].tolist() for _ in range(3)]
    environments.close()
    assert ends == [[False, False], [False, False], [True, True]]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (f"{HERE}:make_endless", {"colour": 1}, "unexpected keyword argument 'colour'"),
        ("os:getcwd", {}, "os:getcwd must be a single gymnasium.Env, got '"),
        ("json:loads", {}, "json:loads: loads.. missing 1 required positional argument"),
    ],
)
def test_a_function_that_makes_none_is_refused_by_name(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_one(name, options)


def test_an_unknown_vectorization_is_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match=r"must be one of \('sync', 'async'\), got 'threads'"):
        make_environments("CartPole-v1", 1, vectorization="threads")


def test_one_environment_by_each_kind_of_name():
    assert type(make_one(f"{TOYS}:Countdown")).__qualname__ == Countdown.__qualname__
    assert isinstance(make_one("RepeatPreviousEasy").unwrapped, popgym.envs.RepeatPreviousEasy)


def test_a_registered_familys_class_is_taken_with_its_vector_form():
    name = "popgym.envs.repeat_previous:RepeatPreviousHard"
    assert resolve(name) == "popgym-RepeatPreviousHard-v0"
    env = make_environments(name, 3, {"k": 2})
    assert isinstance(env.unwrapped, POPGymVectorEnv) and env.unwrapped.family.k == 2
