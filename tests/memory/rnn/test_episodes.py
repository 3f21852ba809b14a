import pytest
import torch

from popgym.memory.rnn.episodes import Episodes

B, T = 2, 6


def _start(*begins):
    start = torch.zeros(B, T, dtype=torch.bool)
    for row, step in begins:
        start[row, step] = True
    return start


def _letters():
    """The drawing in the file's docstring: a to f, then g to l."""
    return torch.arange(B * T, dtype=torch.float64).view(B, T, 1)


def _text(x):
    return "".join(chr(ord("a") + int(number)) for number in x.flatten())


def test_steps_stand_by_their_place_in_the_episode_the_longest_first():
    episodes = Episodes(B, T, _start((0, 4), (1, 1), (1, 3)))
    assert _text(episodes.cut(_letters())) == "ajehgbkficld"
    assert episodes.sizes == [5, 4, 2, 1]


@pytest.mark.parametrize("start", [None, _start((0, 3)), _start((0, 4), (1, 1), (1, 3))])
def test_joining_undoes_cutting_gradients_included(start):
    episodes = Episodes(B, T, start)
    x = _letters().requires_grad_()
    weights = torch.arange(1.0, B * T + 1, dtype=torch.float64).view(B, T, 1)
    y = episodes.join(episodes.cut(x))
    assert torch.equal(y, x)
    assert torch.equal(torch.autograd.grad((y * weights).sum(), [x])[0], weights)


def test_cutting_has_gradients_of_any_order():
    episodes = Episodes(B, T, _start((0, 4)))
    x = torch.rand(B, T, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: episodes.cut(x) ** 2, [x])


def test_rows_without_a_start_are_turned_to_steps():
    episodes = Episodes(B, T, None)
    assert episodes.sizes == [B] * T
    assert _text(episodes.cut(_letters())) == "agbhcidjekfl"
    assert _text(episodes.last(episodes.cut(_letters()))) == "fl"


def test_a_start_at_the_first_step_makes_no_difference():
    with_it = Episodes(B, T, _start((0, 0), (1, 2)))
    without = Episodes(B, T, _start((1, 2)))
    assert with_it.sizes == without.sizes
    assert torch.equal(with_it.cut(_letters()), without.cut(_letters()))


def test_what_was_carried_reaches_the_first_episode_of_each_row_alone():
    episodes = Episodes(B, T, _start((0, 4), (1, 1), (1, 3)))
    carried = torch.tensor([[float("nan")], [7.0]])
    before = episodes.before(carried)  # of a, j, e, h, g
    assert before[0].isnan()
    assert before[1:].flatten().tolist() == [0, 0, 0, 7]


def test_what_is_carried_on_is_the_last_episode_of_each_row():
    episodes = Episodes(B, T, _start((0, 4), (1, 1), (1, 3)))
    after = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])  # of a, j, e, h, g
    assert episodes.after(after).flatten().tolist() == [3, 2]
    assert _text(episodes.last(episodes.cut(_letters()))) == "fl"


def test_many_steps_are_cut_in_linear_memory():
    """A table of episodes by steps would hold 4 · 10⁹ entries here."""
    start = torch.zeros(2, 65536, dtype=torch.bool)
    start[1] = True
    episodes = Episodes(2, 65536, start)
    assert episodes.sizes == [65537] + [1] * 65535
