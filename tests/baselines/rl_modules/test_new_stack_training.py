"""MemoryModule inside stock RLlib PPO on its new API stack."""

import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
import ray
import torch
from gymnasium import spaces
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.env_to_module import FlattenObservations
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.tune.registry import register_env

from popgym.baselines.rl_modules import MemoryModule

# One cluster of Ray at a time: two of them would share this machine and its session folder.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


class Noise(gym.Env):
    """Random observations for 7 steps."""

    def __init__(self, config):
        self.observation_space = config["observation_space"]
        self.action_space = config["action_space"]

    def reset(self, *, seed=None, options=None):
        self.t = 0
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.t += 1
        return self.observation_space.sample(), 1.0, self.t == 7, False, {}


class Recall(gym.Env):
    """Say what was shown one step before: reward 1/20 when right, −1/20 when wrong."""

    observation_space = spaces.Discrete(2)
    action_space = spaces.Discrete(2)

    def __init__(self, config):
        pass

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.before = 0, None
        self.now = int(self.np_random.integers(2))
        return self.now, {}

    def step(self, action):
        reward = 0.0 if self.before is None else (0.05 if action == self.before else -0.05)
        self.t, self.before = self.t + 1, self.now
        self.now = int(self.np_random.integers(2))
        return self.now, reward, self.t == 21, False, {}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks: on a busy machine more threads wait for each other
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_env("noise", Noise)
    register_env("recall", Recall)
    yield
    ray.shutdown()
    torch.set_num_threads(threads)


def _config(env, env_config=None, flatten=False, **model_config):
    sizes = {"hidden_size": 32, "preprocessor_input_size": 32, "actor": [32], "critic": [32]}
    connector = {"env_to_module_connector": lambda *args, **kwargs: FlattenObservations()}
    return (
        PPOConfig()
        .environment(env, env_config=env_config or {})
        .debugging(seed=0, log_sys_usage=False)  # its thread takes up to .7 s to end
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=5,
            rollout_fragment_length=20,
            **(connector if flatten else {}),
        )
        .training(train_batch_size=100, minibatch_size=50, num_epochs=1)
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=MemoryModule, model_config={"max_seq_len": 7, **sizes, **model_config}
            )
        )
    )


@pytest.mark.parametrize(
    ("observation", "action", "model_config"),
    [
        (spaces.Box(-1, 1, (2, 3)), spaces.Discrete(2), {"memory": "frameconv"}),
        (spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1, (2,)), {"stack_size": 1}),
        (spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([2, 3]), {"memory": "gru", "num_layers": 2}),
        (spaces.Box(-1, 1, (2,)), spaces.Discrete(2), {"memory": "mlp", "embedding": "learned"}),
        (
            spaces.Dict(a=spaces.Discrete(3), b=spaces.Box(-1, 1, (2,))),
            spaces.Discrete(2),
            {"memory": "gru"},
        ),
        (
            spaces.Tuple((spaces.MultiDiscrete([2, 3]), spaces.Box(-1, 1, (2,)))),
            spaces.Discrete(2),
            {"memory": "frameconv"},
        ),
    ],
    ids=str,
)
def test_every_space_trains(observation, action, model_config):
    env_config = {"observation_space": observation, "action_space": action}
    flatten = not isinstance(observation, spaces.Box)
    algorithm = _config("noise", env_config, flatten, **model_config).build_algo()
    try:
        net = algorithm.get_module().net
        before = {name: p.detach().clone() for name, p in net.named_parameters()}
        result = algorithm.train()
        assert result["env_runners"]["episode_return_mean"] == 7.0
        assert all(p.isfinite().all() for p in net.parameters())
        assert [name for name, p in net.named_parameters() if torch.equal(p, before[name])] == []
    finally:
        algorithm.stop()


def test_a_checkpoint_restores_the_weights_and_goes_on(tmp_path):
    algorithm = _config("recall", flatten=True, memory="gru").build_algo()
    fresh = _config("recall", flatten=True, memory="gru").build_algo()
    try:
        algorithm.train()
        algorithm.save_to_path(str(tmp_path))
        fresh.restore_from_path(str(tmp_path))
        saved = algorithm.learner_group.get_weights()
        torch.testing.assert_close(fresh.learner_group.get_weights(), saved)
        assert fresh.train()["training_iteration"] == 2
    finally:
        algorithm.stop()
        fresh.stop()


def _learn(iterations, **model_config):
    """Returns the mean return of a short training: 0 by guessing, 1 at best."""
    config = (
        _config("recall", flatten=True, **model_config)
        .env_runners(num_envs_per_env_runner=25, rollout_fragment_length=21)
        .training(lr=3e-3, train_batch_size=525, minibatch_size=105, num_epochs=6, gamma=0.5)
    )
    algorithm = config.build_algo()
    try:
        for _ in range(iterations):
            mean_return = algorithm.train()["env_runners"]["episode_return_mean"]
            if mean_return > 0.8:
                break
        return mean_return
    finally:
        algorithm.stop()


@pytest.mark.parametrize(
    "model_config", [{"memory": "frameconv", "stack_size": 2}, {"memory": "gru"}], ids=str
)
def test_a_memory_learns_what_was_shown_before(model_config):
    assert _learn(25, **model_config) > 0.8


def test_without_a_memory_it_cannot_be_learned():
    assert abs(_learn(8, memory="mlp")) < 0.3


def test_the_example_trains():
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "examples/stock_rllib_new_stack.py", "--steps", "2048"],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r" +2,048 steps +[\d,]+ steps/s   return +-0\.\d+\n", done.stdout)
