import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple, flatten
from gymnasium.vector.utils import batch_space, iterate
from hypothesis import given, settings
from hypothesis import strategies as st

from popgym.spaces.flatten import Flattener

plain = st.one_of(
    st.builds(Discrete, st.integers(1, 5), start=st.integers(-3, 3)),
    st.just(Discrete(4, start=-3, dtype=np.int8)),
    st.just(Discrete(4, start=2**63 + 5, dtype=np.uint64)),
    st.just(Box(0, 1, (0,))),
    st.just(Box(0, 1, (2,), np.bool_)),
    st.builds(MultiDiscrete, st.lists(st.integers(1, 4), min_size=1, max_size=3)),
    st.just(MultiDiscrete([[2, 3], [4, 1]], start=[[1, 0], [-2, 5]])),
    st.builds(MultiBinary, st.sampled_from([1, 3, (2, 2)])),
    st.builds(Box, st.just(-1.0), st.just(2.0), st.sampled_from([(), (1,), (3,), (2, 2)])),
    st.just(Box(0, 255, (2, 2, 1), np.uint8)),
    st.just(Box(-np.inf, np.inf, (2,), np.float64)),
)
nested = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Tuple(tuple(parts))),
        st.dictionaries(st.sampled_from("zebra"), inner, min_size=1, max_size=3).map(Dict),
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(nested, st.integers(1, 4), st.integers(0, 100))
def test_rows_are_those_of_gymnasium_for_any_nesting(space, count, seed):
    flattener = Flattener(space)
    batched = batch_space(space, count)
    batched.seed(seed)
    batch = batched.sample()
    rows = flattener(batch)
    assert rows.dtype == np.float32 and rows.shape == (count, flattener.size)
    for row, element in zip(rows, iterate(batched, batch), strict=True):
        expected = flatten(space, element).astype(np.float32)
        np.testing.assert_array_equal(row, expected)
        np.testing.assert_array_equal(flattener.flatten_one(element), expected)


def test_rows_can_be_written_into_columns_of_an_array():
    flattener = Flattener(MultiDiscrete([2, 3]))
    out = np.full((2, 7), 9.0, np.float32)
    flattener(np.array([[1, 0], [0, 2]]), out[:, 1:6])
    assert out.tolist() == [[9, 0, 1, 1, 0, 0, 9], [9, 1, 0, 0, 0, 1, 9]]


@pytest.mark.parametrize(
    "space",
    [
        Text(3),
        spaces.Sequence(Discrete(2)),
        spaces.OneOf((Discrete(2), Discrete(3))),
        Tuple((Discrete(2), Text(3))),
        Tuple(()),
        Discrete(2**40),
        MultiDiscrete([2**20, 2]),
    ],
    ids=str,
)
def test_a_space_without_a_size_or_with_too_large_a_one_is_refused(space):
    with pytest.raises(ValueError, match=r"cannot be flattened.*Box|no parts.*Box"):
        Flattener(space)


def test_only_the_rows_asked_for_are_read():
    space = Dict(a=Discrete(3, start=4), b=Box(0, 1, (1,)))
    batch = {"a": np.array([99, 5, 4]), "b": np.array([[np.nan], [0.5], [1.0]])}
    rows = Flattener(space)(batch, rows=np.array([2, 1]))
    assert rows.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0.5]]


def test_choices_that_are_none_take_no_room():
    assert Flattener(Tuple((MultiDiscrete([]), Discrete(2)))).size == 2


def test_the_batch_may_be_empty():
    assert Flattener(Discrete(3))(np.zeros(0, np.int64)).shape == (0, 3)
