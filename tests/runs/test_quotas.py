import pytest

from popgym.runs.quotas import episode_quotas


@pytest.mark.parametrize(
    ("episodes", "num_envs", "quotas"),
    [(200, 64, [4] * 8 + [3] * 56), (6, 3, [2, 2, 2]), (7, 3, [3, 2, 2]), (2, 4, [1, 1, 0, 0])],
)
def test_episodes_are_shared_out_evenly_and_none_is_added(episodes, num_envs, quotas):
    assert episode_quotas(episodes, num_envs).tolist() == quotas
    assert sum(quotas) == episodes
