"""Saves a run: RLlib's checkpoint, and the policy that plays without Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium.spaces import Dict
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES

from popgym.baselines.checkpoint_files import check_written
from popgym.baselines.network import policy_spec
from popgym.baselines.ppo import RecurrentPPO
from popgym.inputs import MASK
from popgym.runs.errors import TrainingDivergedError
from popgym.runs.finite import not_finite
from popgym.runs.folder import RunFolder
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.settings import Settings


def save(algorithm: RecurrentPPO, folder: RunFolder, iteration: int) -> None:
    """Write a checkpoint and the policy to the run folder.

    Raises:
        TrainingDivergedError: If a weight is not finite. What was saved before stays.
        StorageError: If one of them cannot be written. What was saved before stays.
    """
    policy = _finite(trained_policy(algorithm, folder.settings), iteration)
    with folder.checkpoint(iteration) as path:
        algorithm.save_to_path(str(path.resolve()))
        check_written(path, remote=folder.settings.learners > 0)
    folder.prune_checkpoints()
    folder.save_policy(policy)


def _finite(policy: Policy, iteration: int) -> Policy:
    spoiled = not_finite(policy.net)
    if spoiled:
        raise TrainingDivergedError(
            f"the weight {spoiled} is not finite after iteration {iteration}, which is not saved: "
            "lower the learning rate (lr), or clip the gradient (grad_clip)"
        )
    return policy


def save_snapshot(algorithm: RecurrentPPO, folder: RunFolder, steps: int) -> None:
    """Keep the policy as it is after ``steps`` steps."""
    folder.save_snapshot(steps, trained_policy(algorithm, folder.settings))


def trained_policy(algorithm: RecurrentPPO, settings: Settings) -> Policy:
    """Return the learner's network as a policy that does not need Ray."""
    inputs, _ = algorithm.spaces[DEFAULT_MODULE_ID]
    masked = isinstance(inputs, Dict) and MASK in inputs.spaces
    spec = policy_spec(settings, *algorithm.spaces[INPUT_ENV_SINGLE_SPACES], masked=masked)
    return policy_with(spec, learned_weights(algorithm))


def learned_weights(algorithm: RecurrentPPO) -> Mapping[str, Any]:
    """Return the state of the learner's module, as RLlib saves it in a checkpoint."""
    component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
    state = algorithm.learner_group.get_state(components=component)
    return state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]


def policy_with(spec: PolicySpec, weights: Mapping[str, Any]) -> Policy:
    """Return a policy with the weights of a ``MemoryModule``.

    Args:
        spec: The description of the network.
        weights: The module's state, as RLlib returns it.
    """
    tensors = {name.removeprefix("net."): torch.as_tensor(w) for name, w in weights.items()}
    return Policy(spec, spec.build_with(tensors))
