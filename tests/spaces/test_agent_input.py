import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from popgym.spaces.agent_input import AgentInput


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


def test_without_starts_no_row_is_at_a_start():
    encode = AgentInput(Discrete(2), Discrete(2))
    rows = encode(np.array([1, 0]), np.array([0, 1]))
    assert rows.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0]]


@pytest.mark.parametrize("start", [None, np.array([True, False])])
def test_without_previous_actions_they_are_zeros(start):
    rows = AgentInput(Discrete(2), Discrete(2))(np.array([1, 0]), None, start)
    assert rows[:, 2:4].tolist() == [[0, 0], [0, 0]]
    assert rows[:, 4].tolist() == [start is not None, 0]


@pytest.mark.parametrize("start", [[True, False], [True, True]])
def test_what_a_previous_action_holds_at_a_start_does_not_matter(start):
    space = Tuple((Discrete(3, start=5), Box(-1, 1, (1,)), MultiDiscrete([2], start=[-7])))
    encode = AgentInput(Discrete(2), space)
    actions = (np.array([0, 6]), np.array([[np.nan], [0.5]]), np.array([[99], [-6]]))
    expected = np.array([[0] * 6, [0, 1, 0, 0.5, 0, 1]]) * ~np.array(start)[:, None]
    assert encode(np.zeros(2, int), actions, start)[:, 2:-1].tolist() == expected.tolist()


HUGE = 2**63
LONG = Box(np.array([-HUGE, 0]), np.array([HUGE - 2, 10**9]), dtype=np.int64)


@pytest.mark.parametrize(
    "space, inside, outside",
    [
        (LONG, [-HUGE, 10**9], [HUGE - 1, 0]),
        (LONG, [HUGE - 2, 0], [0, 10**9 + 1]),
        (Box(1, 2 * HUGE - 2, (1,), np.uint64), [2 * HUGE - 2], [2 * HUGE - 1]),
        (Box(0, 0, (1,), np.bool_), [False], [True]),
        (MultiDiscrete([3], np.uint64, start=[HUGE + 5]), [HUGE + 7], [HUGE + 8]),
        (Box(-2, 2, (1,), np.float16), [2.0], [2.01]),
    ],
    ids=str,
)
def test_whole_numbers_are_checked_exactly_and_real_ones_with_tolerance(space, inside, outside):
    encode = AgentInput(space, Discrete(2))
    encode.check(np.array([inside], space.dtype))
    with pytest.raises(ValueError, match="which is outside its space"):
        encode.check(np.array([outside], space.dtype))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e39])
def test_a_number_that_no_network_can_read_is_refused_also_without_bounds(value):
    encode = AgentInput(Box(-np.inf, np.inf, (2,), np.float64), Discrete(2))
    with pytest.raises(ValueError, match=r"at \(1,\), which is no valid network input: .* finite"):
        encode.check(np.array([[0.0, value]]))


def test_the_check_can_be_told_whose_rows_it_sees():
    encode = AgentInput(Discrete(2), Discrete(2))
    with pytest.raises(ValueError, match="environment 7: observation has the value 2"):
        encode.check(np.array([0, 2]), np.array([4, 7]))


def test_an_agent_must_be_shown_something():
    nothing = Box(0, 1, (0,))
    assert AgentInput(nothing, Discrete(2))(np.zeros((3, 0))).shape == (3, 3)
    with pytest.raises(ValueError, match=r"has no numbers.*set previous_action or start_flag"):
        AgentInput(nothing, Discrete(2), previous_action=False, start_flag=False)
