"""What holds for every family, whatever its rules."""

import os
import pickle
import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import popgym.envs

NAMES = [row["name"] for row in popgym.envs.table() if row["name"].endswith("Easy")]
ADVICE = [  # against what POPGym published
    "A Box observation space m..imum value is -?inf",
    "For Box action spaces, we recommend",
    "is out of date",
]
PLAY = """
import hashlib, sys
import numpy, popgym.envs
numpy.set_printoptions(floatmode="unique", threshold=10**6)
for name in sys.argv[1:]:
    env = popgym.envs.find(name).vector_class(2, autoreset_mode="SameStep")
    env.action_space.seed(0)
    steps = [env.reset(seed=1)]
    steps += [env.step(env.action_space.sample())[:4] for _ in range(150)]
    print(name, hashlib.sha256(repr(steps).encode()).hexdigest())
"""


@pytest.mark.parametrize("name", NAMES)
def test_gymnasiums_checker_has_nothing_to_say(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for advice in ADVICE:
            warnings.filterwarnings("ignore", message=f".*{advice}")
        check_env(gym.make(popgym.envs.lookup(name), render_mode="ansi").unwrapped)


@pytest.mark.parametrize("name", NAMES)
def test_a_pickled_environment_carries_on(name):
    env = popgym.envs.find(name).env_class(render_mode="ansi")
    env.reset(seed=0)
    env.action_space.seed(0)
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(3):
        action = env.action_space.sample()
        results = env.step(action)
        np.testing.assert_equal(twin.step(action), results)
        assert env.render() == twin.render()
        if results[2]:
            np.testing.assert_equal(env.reset(), twin.reset())


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_can_be_drawn_and_its_state_seen_before_its_first_reset(name):
    env = popgym.envs.find(name).env_class(render_mode="ansi")
    assert isinstance(env.render(), str) and isinstance(
        env.family.draw(env.snapshot()["records"][0], reveal=True), str
    )
    env.get_state()


def play(**variables):
    result = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", PLAY, *NAMES],
        env={**os.environ, **variables}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_uncompiled_rules_play_the_same():
    assert play(NUMBA_DISABLE_JIT="1") == play()
