"""The network of a run, built from its settings for RLlib and for the saved policy alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import torch

from popgym.inputs import MASK, PICTURE
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.options import DEFAULT_MAX_STEPS
from popgym.runs.longest_episode import longest_episode
from popgym.runs.policy_file import tensors_of
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.settings import Settings

_UNIT = "embedding_max_steps"
_LARGEST_UNIT = 10_000  # Vaswani et al.'s base; a longer table would be larger than the network


def with_time_unit(settings: Settings, env: gym.Env) -> Settings:
    """Return the settings with the unit of the time embedding filled in.

    The unit is the length of the longest episode of ``env``, at most 10,000. It is
    ``DEFAULT_MAX_STEPS`` if that length is unknown. config.json records the unit, so that a
    resumed run uses the same one.
    """
    longest = longest_episode(env)
    found = DEFAULT_MAX_STEPS if longest is None else min(longest, _LARGEST_UNIT)
    return replace(settings, network={**settings.network, _UNIT: _unit(settings, found)})


def _unit(settings: Settings, default: int = DEFAULT_MAX_STEPS) -> Any:
    given = settings.network.get(_UNIT)
    return default if given is None else given


def policy_spec(
    settings: Settings, observation_space: Any, action_space: Any, masked: bool = False
) -> PolicySpec:
    """Return the description of a run's network, which is saved with the policy."""
    return PolicySpec(
        observation_space,
        action_space,
        settings.memory,
        settings.memory_options,
        {**settings.network, _UNIT: _unit(settings)},
        previous_action=settings.previous_action,
        start_flag=settings.start_flag,
        normalise_observations=settings.normalise_observations,
        masked=masked,
    )


def model_config(settings: Settings) -> dict[str, Any]:
    """Return the same description as the ``model_config`` of ``MemoryModule``.

    The memory's options are in a dictionary of their own, because their names may be equal to
    other keys.
    """
    network = {**settings.network, _UNIT: _unit(settings)}
    return {"memory": settings.memory, "memory_options": settings.memory_options, **network}


@torch.no_grad()
def check_copy(spec: PolicySpec, net: ActorCritic) -> None:
    """Check that a second network with the same weights computes the same outputs.

    The network of the runners, that of the learner and the saved policy are such copies.

    Raises:
        ValueError: If the outputs do not depend on parameters and persistent buffers alone.
    """
    copy = spec.build(seed=1)  # not the network's seed, so that random initial values differ
    copy.load_state_dict(tensors_of(net))
    obs = _random_inputs(spec, 3, 4)
    one, again, other = (_outputs(each, obs) for each in (net, net, copy))
    if torch.allclose(one, again, equal_nan=True) and not torch.allclose(
        one, other, rtol=1e-3, atol=1e-6, equal_nan=True
    ):
        raise ValueError(
            f"memory {spec.memory!r} computes different outputs when it is built again and given "
            "the same weights: all random values of its constructor must be parameters or "
            "buffers (register_buffer, not with persistent=False)"
        )


def _random_inputs(spec: PolicySpec, B: int, T: int) -> dict[str, torch.Tensor]:  # noqa: N803
    generator = torch.Generator().manual_seed(0)
    shapes = {name: (B, T, *s) for name, s in spec.encoder().shapes.items() if name != MASK}
    return {
        name: torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        if name.startswith(PICTURE)
        else torch.randn(shape, generator=generator)
        for name, shape in shapes.items()
    }


def _outputs(net: ActorCritic, obs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the memory's outputs for inputs ``[B, T, ...]``.

    The heads are left out: their initial weights are near zero and would hide a difference.
    """
    B, T = next(iter(obs.values())).shape[:2]
    state = net.eval().initial_state(B)
    time = torch.arange(T).expand(B, -1)
    return net.core(net.features(obs, time), state.memory, None)[0]
