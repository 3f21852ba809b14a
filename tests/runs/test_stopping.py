import pytest

from popgym.runs.stopping import RecentReturn


def row(episodes, mean):
    return {"episodes": episodes, "return_mean": mean}


def test_the_mean_is_over_the_fewest_last_rows_with_enough_episodes():
    recent = RecentReturn(0.45, 10)
    recent.add(row(8, -100.0))
    assert recent.mean is None and not recent.reached
    recent.add(row(4, 0.2))
    assert recent.mean == pytest.approx((8 * -100 + 4 * 0.2) / 12)
    recent.add(row(6, 0.7))  # 4 + 6 are enough
    assert recent.mean == pytest.approx((4 * 0.2 + 6 * 0.7) / 10)
    assert recent.reached


def test_rows_in_which_no_episode_ended_change_nothing():
    recent = RecentReturn(0.5, 2, [row(2, 0.6), row(0, None)])
    assert recent.mean == 0.6 and recent.reached


def test_without_a_return_to_reach_it_is_never_reached():
    assert not RecentReturn(None, 1, [row(5, 1e9)]).reached


def test_a_return_that_was_reached_and_lost_does_not_count():
    recent = RecentReturn(0.5, 4, [row(4, 0.9), row(4, 0.1)])
    assert not recent.reached
