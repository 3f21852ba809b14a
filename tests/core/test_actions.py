import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple
from gymnasium.vector.utils import batch_space, iterate

from popgym.core.actions import ActionBuffer, null_actions

BOARD, TORQUE = MultiDiscrete([8, 8]), Box(-2.0, 2.0, (1,))


@pytest.mark.parametrize(
    "space, action",
    [
        (Discrete(4), 3),
        (Discrete(4), np.int32(3)),
        (Discrete(4), np.array(3)),
        (Discrete(2), True),
        (Discrete(2), np.bool_(True)),
        (BOARD, [7, 0]),
        (BOARD, np.array([7, 0], np.int8)),
        (TORQUE, [1.5]),
        (TORQUE, np.array([1])),
    ],
)
def test_every_way_to_write_an_action_is_understood(space, action):
    buffer = ActionBuffer(space, 1)
    buffer.write_one(action)
    np.testing.assert_array_equal(buffer.values[0], action)


@pytest.mark.parametrize(
    "space, action, message",
    [
        (Discrete(4), 1.0, "whole numbers"),
        (Discrete(4), np.nan, "whole numbers"),
        (Discrete(4), "1", "whole numbers"),
        (Discrete(4), None, "whole numbers"),
        (Discrete(4), 2**70, "whole numbers"),
        (Discrete(4), [1], r"shape \(\), got \(1,\)"),
        (BOARD, 1, r"shape \(2,\), got \(\)"),
        (BOARD, [1, 2, 3], r"shape \(2,\)"),
        (BOARD, [[1], [2, 3]], "whole numbers"),
        (BOARD, [1.0, 2.0], "whole numbers"),
        (TORQUE, "left", "real numbers"),
        (TORQUE, 1.0, r"shape \(1,\)"),
    ],
)
def test_an_action_of_another_type_or_shape_is_refused(space, action, message):
    buffer = ActionBuffer(space, 1)
    with pytest.raises(ValueError, match=message):
        buffer.write_one(action)
    assert not buffer.values.any()


def test_a_batch_must_have_one_action_for_each_environment():
    buffer = ActionBuffer(Discrete(4), 3)
    buffer.write([1, 2, 3])
    assert buffer.values.tolist() == [1, 2, 3]
    for actions in (1, [1, 2], [[1], [2], [3]]):
        with pytest.raises(ValueError, match=r"must have shape \(3,\)"):
            buffer.write(actions)


def test_unsigned_numbers_do_not_wrap_around():
    buffer = ActionBuffer(Discrete(4, start=-2), 1)
    buffer.write(np.array([2**64 - 1], np.uint64))
    assert buffer.values[0] > buffer.high[0]


def test_limits_follow_the_space():
    buffer = ActionBuffer(Discrete(4, start=-2), 1)
    assert (buffer.low.tolist(), buffer.high.tolist()) == ([-2], [1])
    buffer = ActionBuffer(MultiDiscrete([3, 4], start=[1, 0]), 1)
    assert (buffer.low.tolist(), buffer.high.tolist()) == ([1, 0], [3, 3])
    assert ActionBuffer(TORQUE, 1).high.tolist() == [2.0]


def test_rules_that_clip_take_any_finite_number():
    buffer = ActionBuffer(TORQUE, 1, unbounded=True)
    assert buffer.low[0] < -1e38 and 1e38 < buffer.high[0] < np.inf


def test_other_spaces_have_no_kernel():
    with pytest.raises(TypeError, match="Discrete, MultiDiscrete or Box"):
        ActionBuffer(MultiBinary(3), 1)


NESTED = Dict(a=Discrete(3, start=5, dtype=np.uint8), b=Tuple((Box(1, 2, (2,)), MultiBinary(2))))


@pytest.mark.parametrize(
    "space, expected",
    [
        (Discrete(3, start=-9), -9),
        (Discrete(3, start=-1), 0),
        (MultiDiscrete([2, 3], start=[7, -4], dtype=np.int8), [7, -4]),
        (Box(-1, 1, (), np.float16), 0.0),
        (Box(np.array([-np.inf, 5]), np.array([-5, np.inf]), dtype=np.float64), [-5, 5]),
        (Box(np.array([-np.inf, 5]), np.array([5, np.inf]), dtype=np.float64), [0, 5]),
        (Box(3, 9, (2,), np.uint8), [3, 3]),
        (NESTED, None),
    ],
    ids=str,
)
def test_a_batch_of_null_actions_is_in_the_space(space, expected):
    batch = null_actions(space, 3)
    batched = batch_space(space, 3)
    assert batch in batched
    for action in iterate(batched, batch):
        assert space.contains(action if space.shape != () else space.dtype.type(action))
        if expected is not None:
            np.testing.assert_array_equal(action, expected)


def test_a_space_without_null_action_is_refused():
    with pytest.raises(ValueError, match=r"Text.* has no null action: it must be made of Discrete"):
        null_actions(Tuple((Discrete(2), Text(3))), 2)
