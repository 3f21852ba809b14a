"""Any play of any environment keeps to what its table says."""

import numpy as np
import pytest

from popgym.envs.registry import ENTRIES

PUBLISHED_AND_MENDED = [entry for entry in ENTRIES.values() if entry.level]


@pytest.mark.parametrize("entry", PUBLISHED_AND_MENDED, ids=lambda entry: entry.name)
@pytest.mark.parametrize("seed, boldness", [(0, 0.0), (1, 0.5), (2**64 - 1, 1.0)])
def test_returns_observations_and_lengths_are_as_documented(entry, seed, boldness):
    env = entry.vector_class(6, autoreset_mode="SameStep")
    (low, high), longest = env.family.return_bounds, env.max_episode_length
    rng = np.random.default_rng(seed)
    obs, _ = env.reset(seed=seed)
    env.action_space.seed(int(rng.integers(2**31)))
    habit = env.action_space.sample()
    returns, lengths, ended = np.zeros(6), np.zeros(6, int), 0
    for _ in range(2 * longest):
        assert obs in env.observation_space and env.get_state() in env.state_space
        actions = env.action_space.sample() if rng.random() < boldness else habit
        obs, rewards, terminated, truncated, info = env.step(actions)
        returns, lengths, over = returns + rewards, lengths + 1, terminated | truncated
        assert (lengths <= longest).all()
        assert (returns[over] >= low - 1e-9).all() and (returns <= high + 1e-9).all()
        for i in np.flatnonzero(over):
            assert info["final_obs"][i] in env.single_observation_space
        returns[over], lengths[over] = 0.0, 0
        ended += over.sum()
    assert ended >= 12  # every environment ends at least twice within twice the longest


@pytest.mark.parametrize("entry", PUBLISHED_AND_MENDED, ids=lambda entry: entry.name)
def test_every_row_of_a_great_batch_is_a_legal_start(entry):
    env = entry.vector_class(300)
    env.reset(seed=1)
    hidden = {key: env.snapshot()["records"][key] for key in env.family.hidden}
    env.reset(options={"hidden": hidden})  # a draw of our own is one that a user may give
    np.testing.assert_equal(
        {key: env.snapshot()["records"][key] for key in env.family.hidden}, hidden
    )
