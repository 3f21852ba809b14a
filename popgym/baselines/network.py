"""From settings to the network of a run, the same for RLlib and for the policy file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import torch

from popgym.networks.actor_critic import ActorCritic
from popgym.networks.options import DEFAULT_MAX_STEPS
from popgym.runs.longest_episode import longest_episode
from popgym.runs.policy import PolicySpec
from popgym.runs.policy_file import tensors_of
from popgym.runs.settings import Settings

_UNIT = "embedding_max_steps"
_LARGEST_UNIT = 10_000  # Vaswani et al.'s base; tables of more rows would dwarf the network


def with_time_unit(settings: Settings, env: gym.Env) -> Settings:
    """Return the settings with the unit of the time embedding filled in.

    It is the longest episode of ``env``, at most 10,000, or ``DEFAULT_MAX_STEPS`` where the
    environment does not tell. config.json records it, so that a resumed run has the same.
    """
    longest = longest_episode(env)
    found = DEFAULT_MAX_STEPS if longest is None else min(longest, _LARGEST_UNIT)
    return replace(settings, network={**settings.network, _UNIT: _unit(settings, found)})


def _unit(settings: Settings, default: int = DEFAULT_MAX_STEPS) -> Any:
    given = settings.network.get(_UNIT)
    return default if given is None else given


def policy_spec(settings: Settings, observation_space: Any, action_space: Any) -> PolicySpec:
    """Return how the network of a run is built, as the saved policy will say it."""
    return PolicySpec(
        observation_space,
        action_space,
        settings.memory,
        settings.memory_options,
        {**settings.network, _UNIT: _unit(settings)},
        previous_action=settings.previous_action,
        start_flag=settings.start_flag,
    )


def model_config(settings: Settings) -> dict[str, Any]:
    """Return the same for `MemoryModule`; the memory's options may have names of other keys."""
    network = {**settings.network, _UNIT: _unit(settings)}
    return {"memory": settings.memory, "memory_options": settings.memory_options, **network}


@torch.no_grad()
def check_copy(spec: PolicySpec, net: ActorCritic) -> None:
    """Refuse a network that acts differently when it is built anew and given the same weights.

    The acting network, the learning network and the saved policy are such copies.

    Raises:
        ValueError: If parameters and persistent buffers do not decide what the network does.
    """
    copy = spec.build(seed=1)  # another than the network's, so that what is drawn differs
    copy.load_state_dict(tensors_of(net))
    obs = torch.randn(3, 4, spec.encoder().size, generator=torch.Generator().manual_seed(0))
    one, again, other = (_outputs(each, obs) for each in (net, net, copy))
    if torch.allclose(one, again, equal_nan=True) and not torch.allclose(
        one, other, rtol=1e-3, atol=1e-6, equal_nan=True
    ):
        raise ValueError(
            f"memory {spec.memory!r} acts differently when it is built anew and given the same "
            "weights: whatever is drawn at random in its constructor must be a parameter or a "
            "buffer (register_buffer, not with persistent=False)"
        )


def _outputs(net: ActorCritic, obs: torch.Tensor) -> torch.Tensor:
    """What the memory makes of ``obs`` [B, T, O]; the heads begin near zero and would hide it."""
    state = net.eval().initial_state(len(obs))
    time = torch.arange(obs.shape[1]).expand(len(obs), -1)
    return net.core(net.features(obs, time), state.memory, None)[0]
