"""The custom models inside stock RLlib PPO on its old API stack."""

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
from ray.tune.registry import register_env
from torch import nn

from popgym.baselines.ray_models import (
    GRU,
    LMU,
    LSTM,
    MLP,
    S4D,
    BaseModel,
    BasicMLP,
    DiffNC,
    Elman,
    FastWeightProgrammer,
    Frameconv,
    Framestack,
    IndRNN,
    LinearAttention,
)

# One cluster of Ray at a time: two of them would share this machine and its session folder.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

OBSERVATIONS = {
    "tuple": spaces.Tuple((spaces.Discrete(3), spaces.Box(-1, 1, (2,)))),
    "dict": spaces.Dict(a=spaces.Discrete(3), b=spaces.Box(-1, 1, (2, 2))),
    "discrete": spaces.Discrete(4),
    "multi_discrete": spaces.MultiDiscrete([2, 3]),
    "box": spaces.Box(-1, 1, (2, 3)),
}
ACTIONS = {
    "discrete": spaces.Discrete(2),
    "multi_discrete": spaces.MultiDiscrete([2, 3]),
    "box": spaces.Box(-1, 1, (2,)),
}


class Noise(gym.Env):
    """Random observations of any space for 7 steps."""

    def __init__(self, config):
        self.observation_space = OBSERVATIONS[config["observation"]]
        self.action_space = ACTIONS[config["action"]]

    def reset(self, *, seed=None, options=None):
        self.t = 0
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
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


class LastInput(BaseModel):
    """A user's model: the last two inputs, through a layer of its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        F, D = self.cfg["preprocessor_output_size"], self.cfg["hidden_size"]
        self.layer = nn.Linear(2 * F, D)

    def initial_state(self):
        return [torch.zeros(self.cfg["preprocessor_output_size"])]

    def forward_memory(self, z, state, t_starts, seq_lens):
        before = torch.cat([state[0][:, None], z], 1)  # [B, 1 + T, F]
        y = self.layer(torch.cat([before[:, :-1], z], -1))
        return y, [before[torch.arange(len(z)), seq_lens]]


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


def _config(env, cls, env_config=None, **options):
    return (
        PPOConfig()
        .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
        .environment(env, env_config=env_config or {})
        .framework("torch")
        .debugging(seed=0, log_sys_usage=False)  # its thread takes up to .7 s to end
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4, rollout_fragment_length=25)
        .training(
            train_batch_size=100,
            minibatch_size=50,
            num_epochs=1,
            model={
                "custom_model": cls,
                "max_seq_len": 5,
                "custom_model_config": {"hidden_size": 32, **options},
            },
        )
    )


@pytest.mark.parametrize(
    ("observation", "action", "cls", "options"),
    [
        ("tuple", "discrete", Frameconv, {}),
        ("dict", "multi_discrete", GRU, {"num_recurrent_layers": 2, "embedding": "learned"}),
        ("discrete", "box", Frameconv, {"stack_size": 1}),
        ("multi_discrete", "discrete", MLP, {}),
        ("box", "discrete", BasicMLP, {}),
        ("tuple", "box", LSTM, {"num_recurrent_layers": 2}),
        ("dict", "discrete", LMU, {"embedding": "sine"}),
        ("discrete", "discrete", LinearAttention, {"hidden_size": 64}),
        ("tuple", "discrete", S4D, {}),
        ("box", "box", DiffNC, {}),
        ("dict", "box", FastWeightProgrammer, {"hidden_size": 64}),
    ],
)
def test_every_space_trains(observation, action, cls, options):
    env_config = {"observation": observation, "action": action}
    algorithm = _config("noise", cls, env_config, **options).build_algo()
    try:
        model = algorithm.get_policy().model
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        result = algorithm.train()
        assert result["env_runners"]["episode_return_mean"] == 7.0
        assert all(p.isfinite().all() for p in model.parameters())
        unchanged = [n for n, p in model.named_parameters() if torch.equal(p, before[n])]
        assert unchanged == []
    finally:
        algorithm.stop()


def test_a_checkpoint_restores_the_weights_and_goes_on(tmp_path):
    algorithm = _config("recall", GRU).build_algo()
    fresh = _config("recall", GRU).build_algo()
    try:
        algorithm.train()
        algorithm.save(str(tmp_path))
        fresh.restore(str(tmp_path))
        saved = dict(algorithm.get_policy().model.state_dict())
        torch.testing.assert_close(dict(fresh.get_policy().model.state_dict()), saved)
        assert fresh.train()["training_iteration"] == 2
    finally:
        algorithm.stop()
        fresh.stop()


def _learn(cls, iterations, **options):
    """Returns the mean return of a short training: 0 by guessing, 1 at best."""
    sizes = {"preprocessor_input_size": 32, "actor": [32], "critic": [32]}
    config = (
        _config("recall", cls, **sizes, **options)
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
    ("cls", "options"),
    [
        (Frameconv, {"stack_size": 2}),
        (GRU, {}),
        (LastInput, {}),
        (Framestack, {"stack_size": 2}),
        (Elman, {}),
        (LSTM, {}),
        (IndRNN, {}),
        (LMU, {"theta": 4, "memory_size": 4}),
        (S4D, {}),
        (DiffNC, {"cell_size": 8, "read_heads": 1}),
    ],
)
def test_a_memory_learns_what_was_shown_before(cls, options):
    assert _learn(cls, 25, **options) > 0.8


def test_without_a_memory_it_cannot_be_learned():
    assert abs(_learn(MLP, 8)) < 0.3


ONE_LINE = r" +2,048 steps +[\d,]+ steps/s   return +-0\.\d+\n"


def test_the_example_trains():
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "examples/stock_rllib_custom_model.py", "--steps", "2048"],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(ONE_LINE, done.stdout)


@pytest.mark.parametrize("model", ["lstm", "s4d"])
def test_the_example_trains_its_other_models(model, load_script, monkeypatch, capsys):
    monkeypatch.setattr(ray, "init", lambda **options: None)  # in the cluster of this file
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(sys, "argv", ["example", "--steps", "2048", "--model", model])
    capsys.readouterr()
    load_script("examples/stock_rllib_custom_model.py").main()
    assert re.fullmatch(ONE_LINE, capsys.readouterr().out)
