"""Builds an RLlib algorithm from the settings of a run."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import ray
import torch

from popgym.baselines.network import model_config
from popgym.baselines.ppo import RecurrentPPO, RecurrentPPOConfig
from popgym.baselines.remote import short_logs
from popgym.runs.settings import Settings
from popgym.runs.source import Env, source_of


def algorithm_config(settings: Settings, env: Env | None = None) -> RecurrentPPOConfig:
    """Return the RLlib configuration of a run, for ``build_algo()`` or Ray Tune.

    Args:
        settings: The resolved settings of the run.
        env: The environment if ``settings.env`` does not name it; see ``popgym.runs.source``.
    """
    s = settings
    assert s.num_envs is not None and s.minibatch_size is not None, "resolve first"
    learners = max(1, s.learners)
    env_config = {
        "source": source_of(s.env if env is None else env), "options": s.env_options,
        "wrappers": s.wrappers, "vectorization": s.vectorization,
        "previous_action": s.previous_action, "start_flag": s.start_flag,
    }  # fmt: skip
    config = (
        RecurrentPPOConfig()
        .environment(s.env, env_config=env_config)
        .framework("torch")
        .env_runners(
            num_env_runners=s.runners,
            num_envs_per_env_runner=s.num_envs // max(1, s.runners),
            rollout_fragment_length=s.rollout,
        )
        .learners(num_learners=s.learners, num_gpus_per_learner=int(s.device == "cuda"))
        .rl_module(model_config=model_config(s))
        .training(
            train_batch_size_per_learner=s.batch_size // learners,
            minibatch_size=max(s.rollout, s.minibatch_size // learners),
            num_epochs=s.epochs, lr=s.lr, gamma=s.gamma, lambda_=s.gae_lambda,
            clip_param=s.clip, vf_clip_param=s.value_clip, vf_loss_coeff=s.value_coefficient,
            entropy_coeff=s.entropy_coefficient, use_kl_loss=s.kl_coefficient > 0,
            kl_coeff=s.kl_coefficient, kl_target=s.kl_target, kl_cutoff=s.kl_cutoff,
            advantage_floor=s.advantage_floor,
            grad_clip=s.grad_clip, grad_clip_by="global_norm", precision=s.precision,
        )
        .debugging(seed=s.seed, log_level="ERROR")
    )  # fmt: skip
    if s.eval_every:
        config.evaluation(
            evaluation_interval=s.eval_every,
            evaluation_duration=s.eval_episodes,
            evaluation_config={
                "explore": False,
                "num_envs_per_env_runner": min(s.num_envs, s.eval_episodes),
            },
        )
    return config


@contextlib.contextmanager
def running_algorithm(settings: Settings, env: Env | None = None) -> Iterator[RecurrentPPO]:
    """Build the algorithm and start Ray if necessary; stop both at the end of the block.

    Args:
        settings: The resolved settings of the run.
        env: As in ``algorithm_config``.
    """
    alone = not ray.is_initialized()
    if alone and (settings.runners or settings.learners):
        start_ray(settings.runners + settings.learners + 1)
    algorithm, threads = None, torch.get_num_threads()
    torch.set_num_threads(settings.threads or threads)
    try:
        with short_logs():
            with _quiet_ray():
                algorithm = algorithm_config(settings, env).build_algo()
            yield algorithm
    finally:
        torch.set_num_threads(threads)
        if algorithm is not None:
            algorithm.stop()
        if alone:
            ray.shutdown()  # RLlib may have started Ray itself


def start_ray(cpus: int) -> None:
    """Connect to the cluster that RAY_ADDRESS names, or start one on this machine.

    Args:
        cpus: The least number of CPUs of a cluster that is started.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        # Workers search for a user's module:Class in the same folders as this process.
        here = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": here}}
        options |= {"num_cpus": max(cpus, os.cpu_count() or 1), "include_dashboard": False}
    ray.init(**options)


@contextlib.contextmanager
def _quiet_ray() -> Iterator[None]:
    """Silence the warnings that RLlib gives about itself, which do not concern the user."""
    loggers = [logging.getLogger(name) for name in ("ray", "ray.rllib")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
