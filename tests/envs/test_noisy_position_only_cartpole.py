import math

import numpy as np
import pytest

import popgym.envs

LEVELS = {
    "NoisyPositionOnlyCartPoleEasy": 0.1,
    "NoisyPositionOnlyCartPoleMedium": 0.2,
    "NoisyPositionOnlyCartPoleHard": 0.3,
}
HIGH = np.float32([4.8, 24 * math.pi / 180])


def at_rest(count):
    return {"hidden": {"physics": np.zeros((count, 4))}}


@pytest.mark.parametrize("name, sigma", LEVELS.items())
def test_noise_has_the_mean_and_deviation_it_should_and_is_clipped(name, sigma):
    env = popgym.envs.find(name).vector_class(20_000)
    obs, _ = env.reset(seed=0, options=at_rest(20_000))
    x, angle = obs.T.astype(float)
    assert abs(x.mean()) < 4 * sigma / math.sqrt(20_000)
    assert abs(x.std() / sigma - 1) < 4 / math.sqrt(2 * 20_000)
    assert abs((np.abs(x) < sigma).mean() - 0.6827) < 0.014  # as a normal distribution has
    beyond = math.erfc(HIGH[1] / sigma / math.sqrt(2))  # what would be further out lies on the edge
    assert abs((np.abs(angle) == HIGH[1]).mean() - beyond) < 4 * math.sqrt(beyond / 20_000) + 1e-9
    inside = np.abs(angle) < HIGH[1] / 2
    expected = math.erf(HIGH[1] / 2 / sigma / math.sqrt(2))
    assert abs(inside.mean() - expected) < 0.014
    assert abs(np.corrcoef(x, angle)[0, 1]) < 0.03


def test_noise_is_new_at_every_step_and_leaves_the_physics_alone():
    env = popgym.envs.find("NoisyPositionOnlyCartPoleEasy").vector_class(10_000)
    plain = popgym.envs.find("PositionOnlyCartPoleEasy").vector_class(10_000)
    first, _ = env.reset(seed=1, options=at_rest(10_000))
    plain.reset(options=at_rest(10_000))
    second, *results = env.step(np.ones(10_000, int))
    expected, *results_plain = plain.step(np.ones(10_000, int))
    np.testing.assert_array_equal(env.get_state(), plain.get_state())
    np.testing.assert_array_equal(results[0], results_plain[0])
    noise = np.stack([first[:, 0], (second - expected)[:, 0]])
    assert abs(np.corrcoef(noise)[0, 1]) < 0.04
    assert abs(noise[1].std() / 0.1 - 1) < 0.03


def test_without_noise_it_is_position_only_cartpole():
    env = popgym.envs.NoisyPositionOnlyCartPole(noise_sigma=0)
    obs, _ = env.reset(options={"hidden": {"physics": [0.1, 0.2, 0.03, 0.4]}})
    np.testing.assert_array_equal(obs, np.float32([0.1, 0.03]))


def test_drawings_show_what_is_observed_unless_asked():
    env = popgym.envs.NoisyPositionOnlyCartPoleHard(render_mode="ansi")
    obs, _ = env.reset(seed=3)
    assert f"cart {obs[0]:+.2f} m   pole {math.degrees(obs[1]):+.1f}°   step 0" in env.render()
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert f"cart {env.get_state()[0]:+.2f} m   " in revealed and "m/s" in revealed


@pytest.mark.parametrize("sigma", [-0.1, np.nan, np.inf, "0.1", None, True])
def test_a_wrong_deviation_is_refused(sigma):
    with pytest.raises(ValueError, match="noise_sigma must be a finite real number at least 0"):
        popgym.envs.NoisyPositionOnlyCartPole(noise_sigma=sigma)
