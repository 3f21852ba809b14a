import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from popgym.core.layout import element


def test_an_element_of_a_batch_has_the_form_its_space_prescribes():
    space = Dict({"a": Discrete(4), "b": Tuple((Box(0, 1, (2,)), Box(0, 1, ())))})
    pair, number = np.eye(2, dtype=np.float32), np.array([0.25, 0.5], np.float32)
    one = element(space, {"a": np.array([2, 3]), "b": (pair, number)}, 1)
    assert one in space
    assert one["a"] == 3 and one["b"][0].tolist() == [0.0, 1.0] and one["b"][1] == 0.5
    one["b"][0][:] = 9
    assert pair.max() == 1
