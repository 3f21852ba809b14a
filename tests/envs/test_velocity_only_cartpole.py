import gymnasium as gym
import numpy as np
import pytest

import popgym.envs

START = {"hidden": {"physics": [0.01, 0.2, -0.03, 0.4]}}


@pytest.mark.parametrize("spelling", ["VelocityOnlyCartpole", "VelocityOnlyCartPole"])
@pytest.mark.parametrize("level", ["", "Easy", "Medium", "Hard"])
def test_both_spellings_of_the_id_and_both_versions_are_registered(spelling, level):
    for version, suffix in (("v0", ""), ("v1", "V1")):
        env_id = f"popgym-{spelling}{level}-{version}"
        env_class = getattr(popgym.envs, f"VelocityOnlyCartPole{level}{suffix}")
        assert type(gym.make(gym.spec(env_id)).unwrapped) is env_class
        assert popgym.envs.find(env_id).env_class is env_class
        assert gym.make_vec(gym.spec(env_id), 2).num_envs == 2
        assert popgym.envs.lookup(env_id) == f"popgym-VelocityOnlyCartpole{level}-{version}"


def test_groups_and_table_hold_the_published_version_and_spelling():
    group = popgym.envs.CONTROL_EASY
    published = {"id": "popgym-VelocityOnlyCartpoleEasy-v0"}
    assert group[popgym.envs.VelocityOnlyCartPoleEasy] == published
    assert popgym.envs.VelocityOnlyCartPoleEasyV1 not in popgym.envs.ALL
    ids = [row["id"] for row in popgym.envs.table()]
    assert published["id"] in ids and not any(env_id.endswith("v1") for env_id in ids)


def test_v1_differs_in_the_first_observation_alone():
    old, new = popgym.envs.VelocityOnlyCartPoleHard(), popgym.envs.VelocityOnlyCartPoleHardV1()
    np.testing.assert_allclose(old.reset(options=START)[0], [0.01, -0.03], rtol=1e-6)
    np.testing.assert_allclose(new.reset(options=START)[0], [0.2, 0.4], rtol=1e-6)
    rng = np.random.default_rng(0)
    terminated = False
    while not terminated:
        action = int(rng.integers(2))
        (obs, *results), (obs_v1, *results_v1) = old.step(action), new.step(action)
        np.testing.assert_array_equal(obs, obs_v1)
        np.testing.assert_array_equal(obs, old.get_state()[[1, 3]])
        assert results == results_v1
        terminated = results[1]


def test_adding_up_speeds_from_the_positions_at_reset_balances_the_pole():
    env = popgym.envs.VelocityOnlyCartPoleMedium()
    for seed in range(5):
        place, _ = env.reset(seed=seed)
        speed, truncated = np.zeros(2), False
        while not truncated:
            (x, angle), (dx, turn) = place, speed
            push = int(angle + 0.3 * turn + 0.02 * x + 0.05 * dx > 0)
            place = place + 0.02 * speed
            speed, _, terminated, truncated, _ = env.step(push)
            assert not terminated


def test_drawings_show_what_is_observed_unless_asked():
    env = popgym.envs.VelocityOnlyCartPoleEasy(render_mode="ansi")
    env.reset(options=START)
    assert "cart +0.01 m   pole -1.7°   step 0" in env.render()
    env.step(0)
    assert env.render().startswith("cart +0.01 m/s   pole +39.") and env.render().endswith("step 1")
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert "cart +0.01 m   pole -1.3°   step 1" in revealed and "m/s" in revealed
    new = popgym.envs.VelocityOnlyCartPoleEasyV1(render_mode="ansi")
    new.reset(options=START)
    assert new.render() == "cart +0.20 m/s   pole +22.9°/s   step 0"


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_whether_positions_are_shown_is_true_or_false(value):
    with pytest.raises(ValueError, match="positions_at_reset must be True or False"):
        popgym.envs.VelocityOnlyCartPole(positions_at_reset=value)
