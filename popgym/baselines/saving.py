"""Saves a run: RLlib's checkpoint, and the policy that plays without Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium.spaces import Dict
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES

from popgym.baselines.network import policy_spec
from popgym.baselines.ppo import RecurrentPPO
from popgym.inputs import MASK
from popgym.runs.folder import RunFolder
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.settings import Settings


def save(algorithm: RecurrentPPO, folder: RunFolder, iteration: int) -> None:
    """Write a checkpoint and the policy to the run folder."""
    with folder.checkpoint(iteration) as path:
        algorithm.save_to_path(str(path.resolve()))
    folder.prune_checkpoints()
    folder.save_policy(trained_policy(algorithm, folder.settings))


def trained_policy(algorithm: RecurrentPPO, settings: Settings) -> Policy:
    """Return the learner's network as a policy that does not need Ray."""
    component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
    state = algorithm.learner_group.get_state(components=component)
    weights = state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]
    inputs, _ = algorithm.spaces[DEFAULT_MODULE_ID]
    masked = isinstance(inputs, Dict) and MASK in inputs.spaces
    spec = policy_spec(settings, *algorithm.spaces[INPUT_ENV_SINGLE_SPACES], masked=masked)
    return policy_with(spec, weights)


def policy_with(spec: PolicySpec, weights: Mapping[str, Any]) -> Policy:
    """Return a policy with the weights of a ``MemoryModule``.

    Args:
        spec: The description of the network.
        weights: The module's state, as RLlib returns it.
    """
    tensors = {name.removeprefix("net."): torch.as_tensor(w) for name, w in weights.items()}
    return Policy(spec, spec.build_with(tensors))
