"""Checks the settings of a run before the algorithm is built."""

from __future__ import annotations

import warnings
from dataclasses import replace

import gymnasium as gym
import torch

from popgym.baselines.network import check_copy, policy_spec, with_time_unit
from popgym.baselines.ppo.ppo import kl_cutoff_for
from popgym.memory.base import Memory
from popgym.memory.models.frameconv import TemporalConv
from popgym.memory.ops.processor import capabilities
from popgym.memory.registry import find_memory
from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic
from popgym.runs.environment import looking_at
from popgym.runs.errors import RunError, describe
from popgym.runs.names import found
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.rollout_length import memory_needed
from popgym.runs.settings import Settings
from popgym.runs.source import Env, source_of
from popgym.runs.texts import WithoutTexts


def check(settings: Settings, env: Env | None = None) -> Settings:
    """Check the settings of a run, and warn of doubtful choices.

    Args:
        settings: The resolved settings of the run.
        env: The environment if ``settings.env`` does not name it.

    Returns:
        The settings, with the unit of the time embedding and the KL cutoff filled in.

    Raises:
        ValueError: If a name is unknown, a space is not supported, or an option is not valid.
        TypeError: If an option has the wrong type.
        RunError: If the environment or the memory cannot be made.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda: torch sees no GPU here; use --device cpu")
    _warn_of_slow_precision(settings)
    source = source_of(settings.env if env is None else env)
    target = found(source)
    if settings.runners or settings.learners:
        source.pack()
    find_memory(settings.memory)
    with looking_at(source, settings.env_options, settings.wrappers) as sample:
        _warn_of_texts(sample)
        settings = with_time_unit(settings, sample)
        settings = _with_kl_cutoff(settings, sample)
        spec = policy_spec(settings, sample.observation_space, sample.action_space)
        net = _try_network(spec)
        spec.as_data()  # refuses what cannot be saved, before hours of training
    needed = memory_needed(settings, target)
    if needed is not None:
        _warn_of_short_receptive_field(settings, needed, net.core)
        _warn_of_short_rollout(settings, needed, net.core)
    return settings


def _with_kl_cutoff(settings: Settings, env: gym.Env) -> Settings:
    if settings.kl_cutoff is not None:
        return settings
    return replace(settings, kl_cutoff=kl_cutoff_for(action_distribution(env.action_space)))


def _warn_of_slow_precision(settings: Settings) -> None:
    """Warn of bf16 on a processor of the x86 family that has no instructions for it."""
    if settings.precision != "bf16" or settings.device != "cpu":
        return
    known = capabilities()
    if known.get("architecture") == "x86_64" and not (
        known.get("avx512_bf16") or known.get("amx_bf16")
    ):
        warnings.warn(
            f"precision bf16: this processor ({known.get('cpu_name', 'x86_64')}) has no bfloat16 "
            "arithmetic, so that training is about three times as slow as with float32",
            stacklevel=4,
        )


def _warn_of_texts(sample: gym.Env) -> None:
    if isinstance(sample, WithoutTexts):
        warnings.warn(
            f"{', '.join(sample.left_out)} is text, which a network cannot take, and is left out: "
            "to use it, turn it into numbers in a gymnasium.ObservationWrapper (--wrapper)",
            stacklevel=4,
        )


def _try_network(spec: PolicySpec) -> ActorCritic:
    try:
        net = spec.build()
        if ":" in spec.memory:  # popgym's own memories have tests for it
            check_copy(spec, net)
        return net
    except (ValueError, TypeError):
        raise
    except Exception as error:
        raise RunError(f"memory {spec.memory} cannot be built: {describe(error)}") from error


def _warn_of_short_rollout(settings: Settings, needed: int, memory: Memory) -> None:
    """Warn if gradients do not reach back as far as a recurrent memory must remember."""
    assert settings.rollout is not None
    if memory.receptive_field is None and settings.rollout <= needed:
        length = 2 ** needed.bit_length()
        warnings.warn(
            f"rollout {settings.rollout}: gradients reach back over one rollout, and "
            f"{settings.env} requires a memory of {needed} steps; learning what to remember may "
            f"be slow or fail: try --set rollout={length}",
            stacklevel=4,
        )


def _warn_of_short_receptive_field(settings: Settings, needed: int, memory: Memory) -> None:
    seen, is_window = memory.receptive_field, isinstance(memory, TemporalConv)
    if seen is not None and seen <= needed:
        what = f"stack_size {seen}" if is_window else settings.memory
        remedy = (
            f"use --set memory.stack_size={needed + 1} or a recurrent memory"
            if is_window
            else "choose another memory"
        )
        warnings.warn(
            f"{what} cannot see {needed} steps back, which {settings.env} requires; {remedy}",
            stacklevel=4,
        )
