"""PPO of RLlib's new stack with its LSTM.

Its own settings are those of RLlib's example for a partially observable CartPole,
``stateless_cartpole_ppo.py``, in one process.
"""

import os

import ray
from gymnasium.spaces import Discrete
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.env_to_module import FlattenObservations, MeanStdFilter
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.tune.registry import register_env

from peers.until import make, make_watched

RUN = {}
"""Job and ``Until`` of this process. RLlib would copy the latter if ``make_env`` closed over it."""


def make_env(_):
    return make_watched(RUN["job"]["environment"], RUN["until"])()


def train(job, until):
    """Train until ``until`` ends the run."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    RUN.update(job=job, until=until)
    register_env("watched", make_env)
    try:
        algorithm = config(job).build_algo()
        while True:
            algorithm.train()
    finally:
        ray.shutdown()


def config(job):
    """Return the configuration of a run."""
    discrete = isinstance(make(job["environment"]).observation_space, Discrete)
    connector = FlattenObservations if discrete else MeanStdFilter
    settings = (
        PPOConfig()
        .environment("watched")
        .framework("torch")
        .env_runners(num_env_runners=0, env_to_module_connector=lambda *_, **__: connector())
        .learners(num_learners=0)
        .training(lr=3e-4, num_epochs=6, vf_loss_coeff=0.05)
        .rl_module(
            model_config=DefaultModelConfig(vf_share_layers=True, use_lstm=True, max_seq_len=20)
        )
        .debugging(seed=job["seed"], log_level="ERROR")
    )
    return like_popgym(settings, job["popgym"]) if job["settings"] == "popgym" else settings


def like_popgym(config, s):
    """Return the configuration with popgym's batches, learning rate and returns."""
    model = DefaultModelConfig(vf_share_layers=True, use_lstm=True, max_seq_len=s["rollout"])
    return (
        config.env_runners(
            num_envs_per_env_runner=s["num_envs"], rollout_fragment_length=s["rollout"]
        )
        .training(
            train_batch_size_per_learner=s["num_envs"] * s["rollout"],
            minibatch_size=s["minibatch_size"],
            num_epochs=s["epochs"],
            lr=s["lr"],
            gamma=s["gamma"],
            lambda_=s["gae_lambda"],
        )
        .rl_module(model_config=model)
    )
