import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from popgym.core.agent_input import AgentInput


def test_a_row_is_observation_then_previous_action_then_start_flag():
    encode = AgentInput(Discrete(3), Discrete(2))
    rows = encode(np.array([2, 0]), np.array([1, 1]), np.array([False, True]))
    assert rows.tolist() == [[0, 0, 1, 0, 1, 0], [1, 0, 0, 0, 0, 1]]
    assert rows.dtype == np.float32
    assert encode.size == 6 and encode.space.shape == (6,)
    assert all(row in encode.space for row in rows)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"previous_action": False}, [[0, 1, 1.0]]),
        ({"start_flag": False}, [[0, 1, 0, 0]]),
        ({"previous_action": False, "start_flag": False}, [[0, 1]]),
    ],
)
def test_parts_can_be_left_out(options, expected):
    encode = AgentInput(Discrete(2), Discrete(2), **options)
    assert encode(np.array([1]), np.array([1]), np.array([True])).tolist() == expected
    assert encode.size == len(expected[0])


def test_continuous_actions_are_shown_as_they_are_and_cleared_at_a_start():
    encode = AgentInput(Box(-1, 1, (1,)), Box(-2, 2, (2,)))
    actions = np.array([[1.5, -0.5], [np.nan, 1.0]], np.float32)
    rows = encode(np.array([[0.25], [0.5]], np.float32), actions, np.array([False, True]))
    assert rows.tolist() == [[0.25, 1.5, -0.5, 0], [0.5, 0, 0, 1]]


def test_nested_observations_and_several_discrete_actions():
    space = Dict({"b": Discrete(2), "a": Tuple((Box(0, 1, (1,)), MultiBinary(2)))})
    encode = AgentInput(space, MultiDiscrete([2, 3]))
    obs = {"a": (np.array([[0.5]]), np.array([[1, 0]])), "b": np.array([1])}
    rows = encode(obs, np.array([[1, 2]]), np.array([False]))
    assert rows.tolist() == [[0.5, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0]]


BOX = Box(np.array([-1.0, -np.inf]), np.array([1.0, np.inf]), dtype=np.float32)


@pytest.mark.parametrize(
    "space, obs",
    [
        (Discrete(3, start=-1), [-1, 1]),
        (MultiDiscrete([2, 3], start=[0, 5]), [[0, 5], [1, 7]]),
        (MultiBinary(2), [[0, 1], [1, 1]]),
        (BOX, np.array([[1.000001, -1e30], [-1.0, 1e30]], np.float32)),
        (Box(0, 255, (1,), np.uint8), np.array([[0], [255]], np.uint8)),
    ],
)
def test_observations_in_their_space_pass_the_check(space, obs):
    AgentInput(space, Discrete(2)).check(np.asarray(obs))


@pytest.mark.parametrize(
    "space, obs, message",
    [
        (Discrete(3), [0, 3], "environment 1: observation has the value 3, .* Discrete"),
        (Discrete(3), [-1, 0], "environment 0: .* -1"),
        (Discrete(3), [0.0, 1.0], "float64 values"),
        (Discrete(3), ["a", "b"], "values"),
        (Discrete(3), [[0], [1]], r"must have shape \(\) for each environment, got \(1,\)"),
        (MultiDiscrete([2, 3]), [[0, 0], [0, 3]], r"environment 1: .* 3 at \(1,\)"),
        (MultiBinary(2), [[0, 2], [1, 1]], "environment 0: .* 2"),
        (BOX, [[0, 0], [1.01, 0]], "environment 1: .* 1.01"),
        (BOX, [[0, 0], [0, np.inf]], r"environment 1: .* inf at \(1,\)"),
        (BOX, [[np.nan, 0], [0, 0]], r"environment 0: .* nan at \(0,\)"),
        (Box(5, 9, (1,), np.uint8), np.array([[9], [4]], np.uint8), "environment 1: .* 4"),
    ],
)
def test_an_observation_outside_its_space_is_refused(space, obs, message):
    with pytest.raises(ValueError, match=message):
        AgentInput(space, Discrete(2)).check(np.asarray(obs))


def test_the_check_names_the_part_of_a_nested_observation():
    space = Dict({"eye": Tuple((Discrete(2), Box(0, 1, (1,))))})
    obs = {"eye": (np.array([0, 1]), np.array([[0.5], [np.nan]]))}
    with pytest.raises(ValueError, match=r"environment 1: observation\['eye'\]\[1\] has the value"):
        AgentInput(space, Discrete(2)).check(obs)
