import pytest
import torch

from popgym.memory.ops.sliding_window import SlidingWindow

NOTHING = 0


def _shown(window, seen):
    """What each of the first row's steps may look at, as the row's own numbers."""
    steps, windows = window.blocks(seen[:, window.window :]), window.windows(seen)
    return [
        sorted(int(key) for key in keys[mask] if key != NOTHING)
        for own, keys, masks in zip(steps[0], windows[0], window.mask[0], strict=True)
        for number, mask in zip(own, masks, strict=True)
        if number != NOTHING
    ]


def _example():
    """Two rows of six steps (1 to 6) with W = 2 and C = 2; 8 and 9 were kept from before."""
    start = torch.zeros(2, 6, dtype=torch.bool)
    start[0, 3] = True
    window = SlidingWindow(torch.tensor([[2], [1]]), 6, start, window=2, length=2)
    return window, torch.tensor([[8, 9, 1, 2, 3, 4, 5, 6]] * 2)


def test_blocks_hold_steps_of_one_episode():
    window, seen = _example()
    assert window.blocks(seen[:, 2:]).tolist() == [
        [[1, 2], [3, NOTHING], [4, 5], [6, NOTHING]],
        [[1, 2], [3, 4], [5, 6], [NOTHING, NOTHING]],
    ]


def test_windows_hold_what_came_before_in_the_same_episode():
    window, seen = _example()
    assert window.windows(seen).tolist() == [
        [[8, 9, 1, 2], [1, 2, 3, 0], [0, 0, 4, 5], [4, 5, 6, 0]],
        [[0, 9, 1, 2], [1, 2, 3, 4], [3, 4, 5, 6], [0, 0, 0, 0]],
    ]


def test_a_step_looks_at_itself_and_the_last_steps_of_its_episode():
    window, seen = _example()
    assert _shown(window, seen) == [[1, 8, 9], [1, 2, 9], [1, 2, 3], [4], [4, 5], [4, 5, 6]]


def test_steps_come_back_in_their_order():
    window, seen = _example()
    steps = seen[:, 2:]
    assert torch.equal(window.join(window.blocks(steps)), steps)


def test_the_last_steps_of_the_last_episode_are_kept():
    start = torch.zeros(3, 4, dtype=torch.bool)
    start[0, 3] = start[1, 1] = True
    window = SlidingWindow(torch.tensor([[2], [2], [1]]), 4, start, window=2, length=4)
    assert window.held.tolist() == [[False, True], [True, True], [True, True]]
    seen = torch.tensor([[8, 9, 1, 2, 3, 4]] * 3)
    assert window.keep(seen).tolist() == [[0, 4], [3, 4], [3, 4]]


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("length", [1, 3, 8])
def test_rows_shorter_than_the_window_keep_what_was_kept(steps, length):
    window = SlidingWindow(torch.tensor([[1]]), steps, None, window=4, length=length)
    numbers = torch.tensor([[0, 0, 0, 9, *range(1, steps + 1)]])
    assert window.keep(numbers).tolist() == [[0, 0, 0, 9, 1, 2, 3, 4, 5][steps : steps + 4]]
    for t, keys in enumerate(_shown(window, numbers), start=1):
        assert keys == sorted(([9] if t <= 4 else []) + list(range(max(1, t - 4), t + 1)))


def test_nothing_of_another_episode_is_multiplied():
    start = torch.zeros(1, 9, dtype=torch.bool)
    start[0, 4] = True
    x = torch.ones(1, 12, 2)
    x[0, :7] = float("nan")  # what was kept, and the first episode
    window = SlidingWindow(torch.tensor([[3]]), 9, start, window=3, length=3)
    windows = window.windows(x)[0]
    assert not windows[2:].isnan().any()
    assert windows[:2].isnan().any()
