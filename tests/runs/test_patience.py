import warnings

import pytest

from popgym.runs.patience import Patience


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def warned(patience, clock, moments):
    """The moments at which it warns; a moment is a time and how many episodes are done."""
    found = []
    for clock.now, done in moments:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            patience.step(2, done, 9)
        found += [clock.now] * len(caught)
    return found


def test_it_warns_after_its_time_and_then_ever_more_seldom():
    clock = Clock()
    every_second = [(float(t), 0) for t in range(1, 100)]
    assert warned(Patience(10, clock), clock, every_second) == [10, 30, 70]


def test_as_long_as_episodes_end_it_is_silent():
    clock = Clock()
    every_second = [(float(t), t // 5) for t in range(1, 100)]
    assert warned(Patience(10, clock), clock, every_second) == []


def test_it_counts_from_the_last_end_of_an_episode():
    clock = Clock()
    every_second = [(float(t), min(t // 5, 2)) for t in range(1, 22)]
    assert warned(Patience(10, clock), clock, every_second) == [20]


def test_it_tells_the_episodes_and_the_steps():
    clock = Clock()
    patience = Patience(1, clock)
    patience.step(700, 3, 200)
    clock.now = 1.0
    with pytest.warns(UserWarning, match="^3 of 200 episodes are done after 1,400 steps; if"):
        patience.step(700, 3, 200)
