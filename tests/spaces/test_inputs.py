"""An observation sorted into the named arrays of a network's input."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Tuple

from popgym.spaces.inputs import InputEncoder, is_picture

MIXED = Dict(
    camera=Box(0, 255, (5, 4, 3), np.uint8),
    rest=Tuple([Box(-1, 1, (2,)), Discrete(3), Box(0, 9, (2,), np.int64)]),
)


def image(*shape):
    return Box(0, 255, shape, np.uint8)


def batch_of(space, count):
    elements = [space.sample() for _ in range(count)]
    camera = np.stack([each["camera"] for each in elements])
    rest = [np.stack([each["rest"][i] for each in elements]) for i in range(3)]
    return {"camera": camera, "rest": tuple(rest)}


def test_numbers_of_boxes_pictures_and_the_rest_are_kept_apart():
    encode = InputEncoder(MIXED, Discrete(2), normalise=True, pictures=True)
    obs, start = batch_of(MIXED, 2), np.array([True, False])
    inputs = encode(obs, np.array([1, 1]), start)
    assert {name: x.dtype for name, x in inputs.items()} == {
        "numbers": np.float32, "measured": np.float32, "picture0": np.uint8,
    }  # fmt: skip
    np.testing.assert_array_equal(inputs["picture0"], obs["camera"])
    measured = np.split(inputs["measured"], [obs["rest"][0].shape[1]], -1)
    np.testing.assert_array_equal(measured[0], obs["rest"][0])
    np.testing.assert_array_equal(measured[1], obs["rest"][2])  # whole numbers
    choice, previous, flag = np.split(inputs["numbers"], [3, 5], -1)
    np.testing.assert_array_equal(choice.argmax(-1), obs["rest"][1])
    assert previous.tolist() == [[0, 0], [0, 1]] and flag.tolist() == [[1], [0]]
    assert {name: x.shape[1:] for name, x in inputs.items()} == encode.shapes
    for i in range(2):
        assert encode.space.contains({name: array[i] for name, array in inputs.items()})


def test_without_normalisation_and_pictures_one_row_holds_everything():
    encode = InputEncoder(MIXED, Discrete(2))
    (rows,) = encode(batch_of(MIXED, 2)).values()
    assert rows.shape == (2, *encode.space.shape) == (2, 60 + 2 + 3 + 2 + 2 + 1)


def test_a_picture_alone_needs_no_row_of_numbers():
    encode = InputEncoder(image(4, 4, 1), Discrete(2), False, False, pictures=True)
    assert list(encode(np.zeros((3, 4, 4, 1), np.uint8))) == ["picture0"]


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (image(7, 7, 3), (7, 7, 3)),
        (image(84, 84, 12), (84, 84, 12)),
        (image(4, 84, 80), (84, 80, 4)),
        (image(1, 13, 13), (13, 13, 1)),
    ],
)
def test_pictures_have_their_channels_last(space, shape):
    encode = InputEncoder(space, Discrete(2), pictures=True)
    space.seed(0)
    picture = space.sample()
    found = encode(picture[None].astype(np.int64))["picture0"]
    assert found.shape == (1, *shape) == (1, *encode.shapes["picture0"])
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    same = picture if shape == space.shape else picture.transpose(1, 2, 0)
    np.testing.assert_array_equal(found[0], same)


@pytest.mark.parametrize(
    "space",
    [
        image(7, 7), image(1, 7, 3), image(7, 1, 3), image(5, 84, 84), image(2, 7, 7, 3),
        image(0, 7, 3), Box(0, 1, (7, 7, 3)), MultiBinary([7, 7, 3]),
    ],
    ids=str,
)  # fmt: skip
def test_other_parts_are_no_pictures(space):
    assert not is_picture(space)


def test_the_inputs_are_not_the_arrays_of_the_environment():
    """An environment may write into them at its next step."""
    obs = np.zeros((2, 4, 4, 1), np.uint8)
    inputs = InputEncoder(image(4, 4, 1), Discrete(2), pictures=True)(obs)
    obs[...] = 9
    assert not inputs["picture0"].any()
