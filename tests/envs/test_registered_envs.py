import copy
import inspect
import pickle
import subprocess
import sys

import gymnasium as gym
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple

import popgym.envs
from popgym.envs.registry import FAMILIES, in_short

FRESH = """
import sys
import popgym.envs
import gymnasium
gymnasium.make("popgym-RepeatPreviousEasy-v0")
gymnasium.make_vec("popgym-PositionOnlyCartPoleHard-v0", num_envs=2)
popgym.envs.table()
print([name for name in ("numba", "torch", "ray") if name in sys.modules])
"""


def test_importing_and_making_environments_imports_neither_numba_nor_torch_nor_ray():
    result = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_nothing_above_is_needed():
    blocked = ["torch", "ray", "popgym.memory", "popgym.baselines", "popgym.runs", "popgym.cli"]
    script = f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
    script += "import popgym.core, popgym.envs, popgym.wrappers\n"
    script += "env = popgym.envs.RepeatPreviousEasy(); env.reset(seed=0); env.step(1)\n"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_every_preset_gives_a_class_an_id_and_a_vector_form(family):
    base = family.__name__.removesuffix("Family")
    for level in ("", "Easy", "Medium", "Hard"):
        env_class = getattr(popgym.envs, base + level)
        spec = gym.spec(f"popgym-{base}{level}-v0")
        assert isinstance(spec.entry_point, str) and isinstance(spec.vector_entry_point, str)
        assert type(gym.make(spec).unwrapped) is env_class
        assert env_class.__module__ == family.__module__
        assert spec.max_episode_steps is None  # the rules know when to end


@pytest.mark.parametrize(
    "name, arguments, length",
    [
        ("RepeatPrevious", {}, 51),
        ("RepeatPreviousEasy", {}, 51),
        ("RepeatPreviousMedium", {}, 103),
        ("RepeatPreviousHard", {}, 155),
        ("RepeatPreviousHard", {"num_decks": 2}, 103),
        ("PositionOnlyCartPole", {}, 200),
        ("PositionOnlyCartPoleMedium", {}, 400),
        ("PositionOnlyCartPoleHard", {}, 600),
        ("PositionOnlyCartPoleHard", {"max_episode_length": 7}, 7),
    ],
)
def test_levels_and_arguments_decide_the_length(name, arguments, length):
    assert getattr(popgym.envs, name)(**arguments).max_episode_length == length


def test_arguments_may_be_given_by_place():
    assert popgym.envs.RepeatPrevious(2, 32).family.k == 32
    signature = inspect.signature(popgym.envs.RepeatPreviousMedium)
    assert {name: p.default for name, p in signature.parameters.items()} == {
        "num_decks": 2,
        "k": 32,
        "render_mode": None,
        "max_episode_steps": None,
    }


def entries():
    return popgym.envs.registry.ENTRIES.values()


def test_a_levels_classes_are_subclasses_of_those_without_a_level():
    for entry in entries():
        base = popgym.envs.find(popgym.envs.publish.base_name(entry.family))
        assert issubclass(entry.env_class, base.env_class)
        assert issubclass(entry.vector_class, base.vector_class)
    easy = popgym.envs.LabyrinthEscapeEasyV1
    assert issubclass(easy, popgym.envs.LabyrinthEscapeV1)
    assert not issubclass(easy, popgym.envs.LabyrinthEscapeEasy)
    assert issubclass(popgym.envs.NoisyPositionOnlyCartPoleHard, popgym.envs.PositionOnlyCartPole)
    assert not issubclass(popgym.envs.RepeatFirstEasy, popgym.envs.RepeatPrevious)


def test_every_argument_is_an_attribute_of_the_environment():
    for entry in entries():
        usual = inspect.signature(entry.env_class).parameters
        for env in (entry.env_class(), entry.vector_class(2), gym.make(entry.id).unwrapped):
            for name in inspect.signature(entry.family).parameters:
                value = getattr(env, name)
                assert value == usual[name].default or usual[name].default is None, (entry, name)


def test_attributes_are_the_arguments_that_were_given():
    env = popgym.envs.BattleshipEasy(ship_sizes=[3, 2])
    assert env.ship_sizes == (3, 2) and env.board_size == 8
    assert popgym.envs.RepeatPrevious(2, 32).num_decks == 2
    many = gym.make_vec("popgym-RepeatPreviousHard-v0", 2, k=5)
    assert (many.unwrapped.k, many.unwrapped.num_decks) == (5, 3)
    twin = pickle.loads(pickle.dumps(popgym.envs.NoisyPositionOnlyCartPole(noise_sigma=0.4)))
    assert twin.noise_sigma == copy.deepcopy(twin).noise_sigma == 0.4


def test_an_attribute_is_not_changed_behind_the_environments_back():
    env = popgym.envs.RepeatPreviousEasy()
    with pytest.raises(AttributeError, match="k of an environment cannot be changed: make a new"):
        env.k = 9
    env.k = 4

    class Mine(popgym.envs.RepeatPrevious):
        def __init__(self, k):
            self.k = k
            super().__init__(k=k)
            self.k = k

    assert Mine(7).k == Mine(7).family.k == 7


@pytest.mark.parametrize(
    "args, kwargs, error, match",
    [
        ((), {"num_deks": 1}, TypeError, "unknown argument 'num_deks'; did you mean 'num_decks'"),
        ((1, 4, 9), {}, TypeError, r"takes the arguments \['num_decks', 'k'\], got 3"),
        ((1,), {"num_decks": 1}, TypeError, "twice"),
        ((0,), {}, ValueError, "num_decks must be a whole number at least 1, got 0"),
        ((), {"k": 0}, ValueError, "k must be a whole number from 1 to 51, got 0"),
        ((), {"k": 52}, ValueError, "from 1 to 51"),
        ((), {"k": 4.0}, ValueError, "whole number"),
        ((), {"k": True}, ValueError, "whole number"),
    ],
)
def test_a_wrong_constructor_argument_is_refused(args, kwargs, error, match):
    with pytest.raises(error, match=match):
        popgym.envs.RepeatPreviousEasy(*args, **kwargs)


@pytest.mark.parametrize("length", [0, -1, 1.5, None])
def test_a_wrong_episode_length_is_refused(length):
    with pytest.raises(ValueError, match="max_episode_length must be a whole number at least 1"):
        popgym.envs.PositionOnlyCartPole(max_episode_length=length)


def test_groups_are_classes_with_their_ids():
    everything = popgym.envs.ALL
    assert len(everything) == 3 * len(FAMILIES)
    assert everything[popgym.envs.RepeatPreviousEasy] == {"id": "popgym-RepeatPreviousEasy-v0"}
    assert set(popgym.envs.ALL_EASY) | set(popgym.envs.ALL_MEDIUM) | set(
        popgym.envs.ALL_HARD
    ) == set(everything)
    assert popgym.envs.RepeatPrevious in popgym.envs.DIAGNOSTIC
    assert popgym.envs.RepeatPrevious in popgym.envs.ALL_BASE
    assert popgym.envs.PositionOnlyCartPoleHard in popgym.envs.CONTROL_HARD
    assert popgym.envs.PositionOnlyCartPoleEasy not in popgym.envs.CONTROL_HARD
    assert popgym.envs.RepeatPreviousHard in popgym.envs.ALL_DIAGNOSTIC
    assert popgym.envs.RepeatPreviousHard not in popgym.envs.ALL_CONTROL


@pytest.mark.parametrize("name", ["RepeatPreviousEasy", "popgym-RepeatPreviousEasy-v0"])
def test_lookup_takes_a_name_or_an_id(name):
    assert popgym.envs.lookup(name) == "popgym-RepeatPreviousEasy-v0"


@pytest.mark.parametrize(
    "name, match",
    [
        ("RepeatPreviousEasi", "'RepeatPreviousEasi'; did you mean 'RepeatPreviousEasy'"),
        ("repeatpreviouseasy", "did you mean 'RepeatPreviousEasy'"),
        ("popgym-RepeatPreviousEasi-v0", "did you mean 'popgym-RepeatPreviousEasy-v0'"),
        ("xyz", "allowed: RepeatPrevious, "),
        ("", "allowed: "),
    ],
)
def test_lookup_names_the_nearest(name, match):
    with pytest.raises(ValueError, match=match):
        popgym.envs.lookup(name)


def test_a_missing_class_names_the_nearest():
    with pytest.raises(AttributeError, match="did you mean RepeatPreviousEasy"):
        popgym.envs.RepeatPreviousEasi  # noqa: B018
    with pytest.raises(AttributeError, match="'xyz'"):
        popgym.envs.xyz  # noqa: B018
    assert "RepeatPreviousEasy" in dir(popgym.envs) and "ALL_EASY" in popgym.envs.__all__


def test_the_table_has_a_row_for_every_level():
    rows = {row["name"]: row for row in popgym.envs.table()}
    assert len(rows) == len(popgym.envs.ALL)
    assert rows["RepeatPreviousHard"] == {
        "name": "RepeatPreviousHard",
        "observation": "Discrete(4)",
        "action": "Discrete(4)",
        "length": 155,
        "return": "-1 to 1",
        "description": "Each step shows a card's suit; answer with the suit shown k − 1 steps "
        "before.",
        "id": "popgym-RepeatPreviousHard-v0",
    }
    assert rows["PositionOnlyCartPoleEasy"]["observation"] == "Box(2,)"


def test_spaces_are_written_in_short():
    space = Tuple((Discrete(2), MultiDiscrete([3] * 52), MultiDiscrete([2, 3]), Box(0, 1, (4,))))
    assert in_short(space) == "Discrete(2) × MultiDiscrete(3 × 52) × MultiDiscrete(2,) × Box(4,)"


@pytest.mark.parametrize(
    "env, arguments, steps",
    [
        ("RepeatPreviousEasy", {}, 3),
        ("popgym-RepeatPreviousMedium-v0", {}, 31),
        (popgym.envs.RepeatPreviousHard, {}, 63),
        ("RepeatPreviousHard", {"k": 10}, 9),
        ("PositionOnlyCartPoleHard", {}, 1),
    ],
)
def test_the_memory_a_task_asks_for(env, arguments, steps):
    assert popgym.envs.memory_needed(env, **arguments) == steps


def test_an_environment_that_there_is_not_is_refused():
    for function in (popgym.envs.reference_scores, popgym.envs.memory_needed):
        with pytest.raises(ValueError, match="did you mean 'RepeatPreviousEasy'"):
            function("RepeatPreviousEasi")
