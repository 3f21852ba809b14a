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
from popgym.baselines.ppo.runner import INPUT_SETTINGS
from popgym.baselines.remote import short_logs
from popgym.runs.interrupts import children_survive_hangup
from popgym.runs.settings import Settings
from popgym.runs.source import Env, source_of


def algorithm_config(settings: Settings, env: Env | None = None) -> RecurrentPPOConfig:
    """Return the RLlib configuration of a run, for ``build_algo()`` or Ray Tune.

    Args:
        settings: The resolved settings of the run.
        env: The environment if ``settings.env`` does not name it; see ``popgym.runs.source``.
    """
    s = settings
    env_config = {
        "source": source_of(s.env if env is None else env), "options": s.env_options,
        "wrappers": s.wrappers, "vectorization": s.vectorization,
        **{name: getattr(s, name) for name in INPUT_SETTINGS},
    }  # fmt: skip
    config = (
        RecurrentPPOConfig()
        .apply(s)
        .environment(s.env, env_config=env_config)
        .framework("torch")
        .rl_module(model_config=model_config(s))
        .debugging(seed=s.seed, log_level="ERROR")
    )
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


def start_ray(cpus: int, *, exactly: bool = False) -> None:
    """Connect to the cluster that RAY_ADDRESS names, or start one on this machine.

    Args:
        cpus: The least number of CPUs of a cluster that is started.
        exactly: Whether a cluster that is started has just this number of CPUs.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        # Ray lets workers search for modules in the working folder, but before all other places.
        options["runtime_env"] = {"worker_process_setup_hook": "popgym.importing.installed_first"}
        number = cpus if exactly else max(cpus, os.cpu_count() or 1)
        options |= {"num_cpus": number, "include_dashboard": False}
    with children_survive_hangup():
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
