import pytest
from gymnasium.spaces import Dict, Discrete, Sequence, Space, Text, Tuple

from popgym.spaces.texts import drop_texts, is_text, text_paths, without_texts

MIXED = Dict(
    a=Discrete(2), b=Tuple((Text(4), Discrete(3), Tuple((Text(2),)))), c=Text(3), d=Dict(e=Text(1))
)


def test_texts_are_left_out_at_any_depth():
    left = without_texts(MIXED)
    assert left == Dict(a=Discrete(2), b=Tuple((Discrete(3),)))
    assert text_paths(MIXED) == [("b", 0), ("b", 2, 0), ("c",), ("d", "e")]
    element = MIXED.sample()
    dropped = drop_texts(MIXED, element)
    assert dropped == {"a": element["a"], "b": (element["b"][1],)}
    assert left.contains(dropped)


@pytest.mark.parametrize("space", [Text(3), Tuple((Text(3), Dict(a=Text(1))))], ids=str)
def test_nothing_is_left_of_texts_alone(space):
    assert without_texts(space) is None


def test_a_space_of_another_kind_whose_elements_are_strings_is_text():
    """MiniGrid's missions are such a space."""
    assert is_text(Space(dtype=str))
    assert not any(map(is_text, [Space(), Discrete(2), Sequence(Text(2))]))
