import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

from popgym.spaces.masks import MaskReader, has_mask


def test_an_environment_without_a_mask_may_do_everything():
    info = {"action_mask": np.array([[1, 0], [0, 0]]), "_action_mask": np.array([True, False])}
    masks = MaskReader(Discrete(2)).of_info(info, 2)
    assert masks.tolist() == [[True, False], [True, True]]
    assert MaskReader(Discrete(2)).of_info({}, 2) is None


def test_the_parts_of_a_multidiscrete_action_follow_each_other():
    reader = MaskReader(MultiDiscrete([2, 3], start=[4, -1]))
    assert reader.size == 5
    tuples = (np.array([1, 0]), np.array([0, 1, 1]))
    assert reader.read(tuples).tolist() == reader.read(np.array([1, 0, 0, 1, 1])).tolist()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([1, 0, 1], "environment 3: action_mask must have 5 numbers, one for each choice, got 3"),
        ([1, 0, 2, 0, 1], "must hold 1 for allowed and 0 for other choices"),
        ([1, 1, 0, 0, 0], "must allow at least one choice of each action"),
        ([1, 1, np.nan, 0, 1], "must hold 1 for allowed"),
    ],
)
def test_a_wrong_mask_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        MaskReader(MultiDiscrete([2, 3])).read(np.array(mask), 3)


@pytest.mark.parametrize(
    ("part", "action", "expected"),
    [
        (MultiBinary(3), Discrete(3), True),
        (Box(0, 1, (3,), np.int8), Discrete(3), True),
        (MultiBinary(5), MultiDiscrete([3, 2]), True),
        (MultiBinary(2), Discrete(3), False),
        (Box(0, 2, (3,), np.int8), Discrete(3), False),
        (MultiBinary(3), Box(0, 1, (3,)), False),
    ],
)
def test_what_counts_as_a_mask_in_an_observation(part, action, expected):
    assert has_mask(Dict(action_mask=part, other=Discrete(2)), action) is expected
