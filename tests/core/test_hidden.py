import numpy as np
import pytest

from popgym.core.hidden import Flags, Numbers, Permutation, read_hidden

FIELDS = {"deck": Permutation(4), "physics": Numbers((-1.0, -2.0), (1.0, 2.0))}
GOOD = {"deck": [3, 1, 0, 2], "physics": [0.5, -2.0]}


def test_a_single_environments_draw_gets_a_leading_axis():
    values = read_hidden(FIELDS, GOOD, None)
    assert values["deck"].tolist() == [[3, 1, 0, 2]]
    assert values["physics"].tolist() == [[0.5, -2.0]]


def test_a_batch_of_draws_keeps_its_leading_axis():
    values = read_hidden(FIELDS, {k: [v, v, v] for k, v in GOOD.items()}, 3)
    assert values["deck"].shape == (3, 4)
    assert values["physics"].shape == (3, 2)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"deck": [0, 1, 2, 2]}, "permutation of the whole numbers 0 to 3"),
        ({"deck": [1, 2, 3, 4]}, "permutation"),
        ({"deck": [0, 1, 2]}, r"of shape \(4,\); got int64 of shape \(3,\)"),
        ({"deck": [[0, 1, 2, 3]]}, "got int64 of shape"),
        ({"deck": [0.0, 1.0, 2.0, 3.0]}, "got float64"),
        ({"deck": [[0, 1], [2]]}, "got"),
        ({"deck": "0123"}, "permutation"),
        ({"deck": None}, "permutation"),
        ({"physics": [1.5, 0.0]}, r"finite real numbers from \[-1.0, -2.0\] to \[1.0, 2.0\]"),
        ({"physics": [np.nan, 0.0]}, "finite"),
        ({"physics": [np.inf, 0.0]}, "finite"),
        ({"deal": [0, 1, 2, 3]}, "unknown key in hidden: 'deal'; did you mean 'deck'"),
    ],
)
def test_a_wrong_draw_is_refused_with_what_is_allowed(changed, message):
    with pytest.raises(ValueError, match=message):
        read_hidden(FIELDS, {**GOOD, **changed}, None)


@pytest.mark.parametrize("hidden", [None, [], 3, {}, {"deck": [0, 1, 2, 3]}])
def test_a_draw_must_name_every_key(hidden):
    with pytest.raises(ValueError, match=r"deck.*physics|lacks"):
        read_hidden(FIELDS, hidden, None)


def test_whole_numbers_are_required_where_declared():
    fields = {"board": Numbers(((0, 0), (0, 0)), ((1, 1), (1, 1)), whole=True)}
    assert read_hidden(fields, {"board": np.eye(2, dtype=int)}, None)["board"].shape == (1, 2, 2)
    with pytest.raises(ValueError, match="whole numbers from"):
        read_hidden(fields, {"board": np.eye(2)}, None)


@pytest.mark.parametrize("board", [np.eye(2, dtype=int), np.eye(2, dtype=bool), [[1, 0], [0, 1]]])
def test_a_board_of_flags_may_be_numbers_or_bools(board):
    values = read_hidden({"board": Flags((2, 2))}, {"board": board}, None)
    np.testing.assert_array_equal(values["board"], [[[1, 0], [0, 1]]])


@pytest.mark.parametrize(
    "board", [[[2, 0], [0, 1]], [[-1, 0], [0, 1]], np.eye(2), np.eye(3, dtype=int)]
)
def test_anything_but_zeros_and_ones_is_no_board_of_flags(board):
    with pytest.raises(ValueError, match=r"must be zeros and ones, of shape \(2, 2\)"):
        read_hidden({"board": Flags((2, 2))}, {"board": board}, None)
