"""What the tests of random draws share."""

import numpy as np


def chi_square(counts):
    """Pearson's statistic against the uniform distribution."""
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


def assert_plausible(statistic, degrees):
    """Within 4.5 standard deviations of what chance gives."""
    assert abs(statistic - degrees) < 4.5 * np.sqrt(2 * degrees)


def assert_mean(values, expected):
    """Within 4 standard errors."""
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(len(values))


def returns_of(env, policy, seed):
    """Plays one episode in each environment (of equal length); returns the returns."""
    obs, _ = env.reset(seed=seed)
    returns = np.zeros(env.num_envs)
    for _ in range(env.max_episode_length):
        obs, rewards, terminated, truncated, _ = env.step(policy(obs))
        returns += rewards
    assert (terminated | truncated).all()
    return returns


def random_returns(env, seed):
    """Plays at random in every environment (in mode SameStep); returns the first returns."""
    env.reset(seed=seed)
    env.action_space.seed(seed)
    returns, over = np.zeros(env.num_envs), np.zeros(env.num_envs, bool)
    while not over.all():
        _, rewards, terminated, truncated, _ = env.step(env.action_space.sample())
        returns += np.where(over, 0.0, rewards)
        over |= terminated | truncated
    return returns
