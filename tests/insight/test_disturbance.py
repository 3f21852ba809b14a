import numpy as np
import pytest
import torch

from popgym.insight.disturbance import Clear, Noise, Spread, Swap
from popgym.runs.environment import make_environments
from popgym.runs.evaluate import play
from tests.insight.perfect import K, perfect


def state_of(player, frames, times):
    """A state whose frames are filled with one number for each environment."""
    state = player.initial_state(len(times))
    filled = torch.tensor(frames, dtype=torch.float32).view(-1, 1, 1).expand(-1, K - 1, 8)
    memory = type(state.network.memory)(filled)
    return state._replace(network=state.network._replace(
        memory=memory, time=torch.tensor(times)[:, None]
    ))  # fmt: skip


def frames_of(state):
    return state.network.memory.frames[:, 0, 0].tolist()


def test_environments_are_cleared_by_their_own_steps():
    player, steps = perfect(), [4, 5, 8, 0]
    state = state_of(player, [1.0, 2.0, 3.0, 4.0], steps)
    changed = Clear(player.net, 4)(state, np.array(steps))
    assert frames_of(changed) == [0, 2, 0, 4]
    assert changed.network.time[:, 0].tolist() == [0, 5, 0, 0]
    assert changed.previous_action is state.previous_action
    assert frames_of(state) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("steps", "k", "expected"),
    [
        ([1, 1, 1, 1], 1, [2, 3, 4, 1]),
        ([1, 0, 7, 3], 1, [3, 2, 4, 1]),  # the second is in its first step
        ([2, 1, 4, 3], 2, [2, 2, 4, 4]),  # the first and the third are due
        ([0, 0, 5, 0], 1, [1, 2, 3, 4]),  # there is nobody to swap with
        ([3, 5, 7, 1], 2, [1, 2, 3, 4]),
    ],
)
def test_environments_take_the_state_of_the_next_in_the_ring(steps, k, expected):
    player = perfect()
    state = state_of(player, [1.0, 2.0, 3.0, 4.0], steps)
    assert frames_of(Swap(player.net, k)(state, np.array(steps))) == expected


def test_the_spread_is_measured_over_all_but_the_first_steps_of_episodes():
    player = perfect()
    spread = Spread(player.net)
    assert spread.deviations() == {}
    values, rng = [], np.random.default_rng(0)
    for t in range(6):
        frames = 1e4 + rng.normal(size=3)
        steps = np.array([t, 0, t % 4])
        values += frames[steps > 0].tolist()
        state = state_of(player, frames, steps)
        assert spread(state, steps) is state
    deviations = spread.deviations()
    assert list(deviations) == ["memory.frames"]  # the number of the step is no real number
    assert deviations["memory.frames"].shape == (1, K - 1, 8)
    np.testing.assert_allclose(deviations["memory.frames"], np.std(values), rtol=1e-2)


# ---- in play


def played_with(change):
    """The mean return of the perfect policy in one episode of each of two environments."""
    player, envs = perfect(), make_environments("RepeatPreviousEasy", 2)
    return play(player, envs, np.ones(2, int), 5, True, None, change(player.net)).mean


@pytest.mark.parametrize("n", [51, 64, 1000])
def test_clearing_after_more_steps_than_an_episode_has_changes_nothing(n):
    assert played_with(lambda net: Clear(net, n)) == pytest.approx(1)
    assert played_with(lambda net: Clear(net, 48)) < 1  # loses the last three cards


def test_noise_of_no_strength_changes_nothing():
    def change(net):
        shape = {"memory.frames": torch.zeros(1, K - 1, 8)}
        return Noise(net, shape, torch.Generator())

    assert played_with(change) == pytest.approx(1)
