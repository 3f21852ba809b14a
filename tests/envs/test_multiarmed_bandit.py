import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, assert_plausible, chi_square, returns_of

LEVELS = {"MultiarmedBanditEasy": 10, "MultiarmedBanditMedium": 20, "MultiarmedBanditHard": 30}


def test_the_arms_are_uniform_and_independent():
    env = popgym.envs.find("MultiarmedBanditEasy").vector_class(20_000)
    env.reset(seed=0)
    arms = env.get_state()
    for column in arms.T:
        assert_plausible(chi_square(np.histogram(column, bins=20, range=(0, 1))[0]), 19)
    assert np.abs(np.corrcoef(arms.T) - np.eye(10)).max() < 0.03


def test_an_arm_pays_as_often_as_it_says_and_pulls_are_independent():
    env = popgym.envs.MultiarmedBandit(num_bandits=3, episode_length=20_000)
    arms = np.array([0.2, 0.5, 0.9])
    env.reset(seed=1, options={"hidden": {"arms": arms}})
    paid = np.array([env.step(t % 3)[0] for t in range(19_998)]).reshape(-1, 3)
    assert (np.abs(paid.mean(axis=0) - arms) < 4 * np.sqrt(arms * (1 - arms) / 6666)).all()
    assert np.abs(np.corrcoef(paid.T) - np.eye(3)).max() < 0.05
    for column in paid.T:
        assert abs(np.corrcoef(column[:-1], column[1:])[0, 1]) < 0.05


@pytest.mark.parametrize("name, arms", LEVELS.items())
def test_the_best_arm_earns_what_the_formula_says(name, arms):
    env = popgym.envs.find(name).vector_class(1000, autoreset_mode="Disabled")
    env.reset(seed=2)
    best = env.get_state().argmax(axis=1)
    returns = returns_of(env, lambda obs: best, seed=2)
    assert_mean(returns, (arms - 1) / (arms + 1))


@pytest.mark.parametrize("name", LEVELS)
def test_staying_with_a_winner_earns_its_score(name):
    env = popgym.envs.find(name).vector_class(1000, autoreset_mode="Disabled")
    arm = np.full(1000, -1)

    def stay_or_shift(paid):
        arm[:] = (arm + (paid == 0)) % LEVELS[name]
        return arm

    returns = returns_of(env, stay_or_shift, seed=3)
    assert_mean(returns, popgym.envs.reference_scores(name)["win-stay lose-shift"].mean)


@pytest.mark.parametrize("arms", [[0.5] * 9 + [1.01], [-0.1] + [0.5] * 9, [0.5] * 9, [np.nan] * 10])
def test_arms_that_are_no_probabilities_are_refused(arms):
    env = popgym.envs.MultiarmedBanditEasy()
    with pytest.raises(ValueError, match=r"hidden\['arms'\] must be finite real numbers from \[0"):
        env.reset(options={"hidden": {"arms": arms}})


def test_neither_info_nor_drawing_gives_the_arms_away():
    env = popgym.envs.MultiarmedBandit(num_bandits=2, episode_length=5, render_mode="ansi")
    assert env.reset(options={"hidden": {"arms": [0.0, 1.0]}}) == (0, {})
    assert env.render() == "pull 0: –   pull an arm, 0 to 1"
    assert env.step(1) == (1, 0.2, False, False, {})
    assert env.render() == "pull 1: it paid   pull an arm, 0 to 1"
    assert env.step(0) == (0, -0.2, False, False, {})
    assert env.render() == "pull 2: it did not pay   pull an arm, 0 to 1"
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True) == env.render() + "   0: 0.00 1: 1.00"
    assert env.obs_requires_prev_action


@pytest.mark.parametrize("name", ["num_bandits", "episode_length"])
@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None])
def test_a_wrong_argument_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number at least 1"):
        popgym.envs.MultiarmedBandit(**{name: value})
