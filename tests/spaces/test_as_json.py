import json
from collections import OrderedDict

import numpy as np
import pytest
from gymnasium import spaces

from popgym.spaces.as_json import space_from_data, space_to_data

LONG, INF = 2**63, np.inf


def box(low, high, dtype):
    return spaces.Box(np.array(low, dtype), np.array(high, dtype), dtype=dtype)


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
    spaces.Discrete(5, start=7, dtype=np.int32),
    spaces.Discrete(5, start=LONG + 3, dtype=np.uint64),
    spaces.MultiDiscrete([2, 3], dtype=np.uint8),
    spaces.MultiDiscrete([2, 3], start=[LONG + 1, LONG + 3], dtype=np.uint64),
    spaces.MultiDiscrete(np.array(3)),
    spaces.MultiDiscrete(np.ones((0, 3), np.int64)),
    spaces.MultiBinary((4,)),
    box([-LONG, 1 - LONG], [LONG - 1, LONG - 2], np.int64),
    spaces.Box(-LONG, LONG - 1, (2,), np.int64),
    spaces.Box(-INF, INF, (2,), np.int64),
    spaces.Box(np.array([-INF, 3.0]), np.array([3.0, INF]), dtype=np.int32),
    box([1, 2 * LONG - 2], [2, 2 * LONG - 1], np.uint64),
    box([False, False], [False, True], np.bool_),
    box([-0.1, -INF], [0.1, INF], np.float16),
    box([-0.1, 5e-324], [0.1, 1.7976931348623157e308], np.float64),
    box([-0.1, -1e-45], [0.1, 3.4028235e38], np.float32),
    spaces.Box(-np.longdouble(1) / 3, np.longdouble(1) / 3, (2,), np.longdouble),
    spaces.Box(INF, INF, (1,)),
    spaces.Box(0, 1, (0, 3)),
    spaces.Box(0, 9, (0,), np.uint8),
    spaces.Dict({}),
    spaces.Tuple(()),
    spaces.Dict({1: spaces.Discrete(2), 0: spaces.Discrete(3)}),
    spaces.Dict(OrderedDict([(1, spaces.Discrete(2)), ("1", spaces.Discrete(3))])),
]


def assert_alike(one, other):
    """More than Gymnasium's equality, which lets bounds differ a little, and the order of parts."""
    assert one == other and one.dtype == other.dtype and one.shape == other.shape
    assert str(one) == str(other)
    if isinstance(one, spaces.Box):
        for name in ("low", "high", "bounded_below", "bounded_above"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype
    if isinstance(one, spaces.Dict):
        assert list(one.spaces) == list(other.spaces)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_space_survives_json(space):
    assert_alike(
        space_from_data(json.loads(json.dumps(space_to_data(space), allow_nan=False))), space
    )


def test_the_order_of_a_dict_survives():
    space = spaces.Dict(OrderedDict(z=spaces.Discrete(2), a=spaces.Discrete(3)))
    again = space_from_data(json.loads(json.dumps(space_to_data(space))))
    assert list(again.spaces) == list(space.spaces) == ["z", "a"]


@pytest.mark.parametrize(
    ("data", "space"),
    [
        ({"kind": "Discrete", "n": 3, "start": 1}, spaces.Discrete(3, start=1)),
        (
            {"kind": "MultiDiscrete", "dtype": "int8", "nvec": [2], "start": [1]},
            spaces.MultiDiscrete([2], np.int8, start=[1]),
        ),
        (
            {"kind": "Box", "shape": [2], "dtype": "uint8", "low": 0.0, "high": [255.0, 1.0]},
            box([0, 0], [255, 1], np.uint8),
        ),
    ],
)
def test_what_earlier_versions_wrote_can_still_be_read(data, space):
    assert_alike(space_from_data(data), space)


def test_a_dict_whose_keys_json_cannot_write_is_refused():
    with pytest.raises(ValueError, match=r"cannot be saved: the keys .* got \('a', 1\)"):
        space_to_data(spaces.Dict({("a", 1): spaces.Discrete(2)}))


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
        {"kind": "Box", "shape": [1], "dtype": "int64", "low": 0, "high": 2.0**63},
        {"kind": "Box", "shape": [1], "dtype": "text", "low": 0, "high": 1},
        {"kind": "Discrete", "n": 3, "start": 0, "dtype": "float32"},
        {"kind": "MultiDiscrete", "dtype": "int64", "nvec": [2], "start": [0], "shape": [3]},
        {"kind": "Dict", "spaces": [["a"]]},
    ],
)
def test_data_that_describes_no_space_is_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        space_from_data(data)
