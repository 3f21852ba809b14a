import json

import numpy as np
import pytest
from gymnasium import spaces

from popgym.runs.spaces import space_from_data, space_to_data

SPACES = [
    spaces.Discrete(5),
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([2, 3]),
    spaces.MultiDiscrete(np.array([[2, 3], [4, 5]]), start=np.array([[1, 0], [0, -1]])),
    spaces.MultiBinary(4),
    spaces.MultiBinary([2, 3]),
    spaces.Box(-1, 1, (2, 3)),
    spaces.Box(0, 255, (4, 4, 3), np.uint8),
    spaces.Box(np.array([-np.inf, 0.1]), np.array([1.0, np.inf]), dtype=np.float64),
    spaces.Box(-2, 2, ()),
    spaces.Tuple([spaces.Discrete(2), spaces.Box(-1, 1, (1,))]),
    spaces.Dict(b=spaces.Discrete(2), a=spaces.Tuple([spaces.MultiBinary(2)])),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_space_survives_json(space):
    again = space_from_data(json.loads(json.dumps(space_to_data(space), allow_nan=False)))
    assert again == space
    assert again.dtype == space.dtype


def test_the_order_of_a_dict_survives():
    space = spaces.Dict({"z": spaces.Discrete(2), "a": spaces.Discrete(3)})
    assert list(space_from_data(space_to_data(space)).spaces) == list(space.spaces)


def test_other_spaces_are_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match=r"Text.* cannot be saved: use Discrete"):
        space_to_data(spaces.Text(3))


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        {"kind": "Text"},
        {"kind": "Discrete", "n": 0, "start": 0},
        {"kind": "Dict", "spaces": [1]},
        {"kind": "Box", "shape": [2], "dtype": "float32", "low": [1, 2, 3], "high": 1},
    ],
)
def test_data_that_describes_no_space_is_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        space_from_data(data)
