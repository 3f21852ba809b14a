import math

import numpy as np
import pytest

import popgym.envs

LEVELS = {
    "NoisyPositionOnlyPendulumEasy": 0.1,
    "NoisyPositionOnlyPendulumMedium": 0.2,
    "NoisyPositionOnlyPendulumHard": 0.3,
}


@pytest.mark.parametrize("name, sigma", LEVELS.items())
def test_noise_has_the_mean_and_deviation_it_should_and_is_clipped(name, sigma):
    env = popgym.envs.find(name).vector_class(20_000)
    obs, _ = env.reset(seed=0, options={"hidden": {"physics": np.zeros((20_000, 2))}})
    cos, sin = obs.T.astype(float)  # of an upright rod: 1 and 0
    assert abs(sin.mean()) < 4 * sigma / math.sqrt(20_000)
    assert abs(sin.std() / sigma - 1) < 4 / math.sqrt(2 * 20_000)
    assert abs((np.abs(sin) < sigma).mean() - 0.6827) < 0.014  # as a normal distribution has
    assert abs((cos == 1).mean() - 0.5) < 0.015  # the upper half of the noise is clipped away
    expected = sigma * math.sqrt(2 / math.pi)
    assert abs((1 - cos[cos < 1]).mean() / expected - 1) < 0.03
    assert abs(np.corrcoef(cos, sin)[0, 1]) < 0.03


def test_noise_is_new_at_every_step_and_leaves_the_physics_alone():
    env = popgym.envs.find("NoisyPositionOnlyPendulumEasy").vector_class(10_000)
    plain = popgym.envs.find("PositionOnlyPendulumEasy").vector_class(10_000)
    upright = {"hidden": {"physics": np.zeros((10_000, 2))}}
    first, _ = env.reset(seed=1, options=upright)
    plain.reset(options=upright)
    second, *results = env.step(np.ones((10_000, 1)))
    expected, *results_plain = plain.step(np.ones((10_000, 1)))
    np.testing.assert_array_equal(env.get_state(), plain.get_state())
    np.testing.assert_array_equal(results[0], results_plain[0])
    noise = np.stack([first[:, 1], (second - expected)[:, 1]])
    assert abs(np.corrcoef(noise)[0, 1]) < 0.04
    assert abs(noise[1].std() / 0.1 - 1) < 0.03


def test_episodes_are_as_long_at_every_level():
    for name in LEVELS:
        assert popgym.envs.find(name).task().max_episode_length == 200


def test_drawings_show_what_is_observed_unless_asked():
    env = popgym.envs.NoisyPositionOnlyPendulumHard(render_mode="ansi")
    (cos, sin), _ = env.reset(seed=3)
    observed = f"{math.degrees(math.atan2(sin, cos)):+.0f}° from upright   step 0"
    assert env.render().endswith(observed)
    cos, sin, turn = env.get_state()
    actual = f"{math.degrees(math.atan2(sin, cos)):+.0f}° from upright   step 0"
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert revealed.endswith(f"{actual}   {math.degrees(turn):+.0f}°/s") and actual != observed


@pytest.mark.parametrize("sigma", [-0.1, np.nan, np.inf, "0.1", None, True])
def test_a_wrong_deviation_is_refused(sigma):
    with pytest.raises(ValueError, match="noise_sigma must be a finite real number at least 0"):
        popgym.envs.NoisyPositionOnlyPendulum(noise_sigma=sigma)
