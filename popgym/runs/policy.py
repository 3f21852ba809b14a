"""A trained agent, which is saved without pickle and runs without Ray.

::

    policy = popgym.load("runs/RepeatPreviousEasy-frameconv")
    action, state = policy.act(obs, state)
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from gymnasium.spaces import Dict, Discrete, Tuple
from gymnasium.vector.utils import batch_space, iterate
from torch import Tensor

from popgym.core.actions import null_actions
from popgym.core.layout import stacked
from popgym.importing import UserModuleError
from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.input_layers import one_step
from popgym.runs import seeds
from popgym.runs.errors import describe
from popgym.runs.policy_file import (
    DESCRIPTION,
    LARGEST_WEIGHTS,
    WEIGHTS,
    ChangedMemoryError,
    explaining,
    read_description,
    read_weights,
    write,
)
from popgym.runs.policy_size import check_fits, count_of, empty_network, shapes_of
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.seeds import Stream
from popgym.runs.signature import is_mine
from popgym.runs.trust import Trust, trust_in
from popgym.spaces.flatten import named
from popgym.spaces.masks import MaskReader


class PolicyState(NamedTuple):
    """The state of a policy between two steps, for a batch of B agents."""

    network: ActorCriticState
    """The state of the network's memory, tensors ``[B, ...]``."""
    previous_action: Any
    """The last actions, a batch of the action space."""


class Policy:
    """A policy that maps observations to actions and returns its state with each action.

    Args:
        spec: The description of the network.
        net: The network.
        seed: The seed of the actions that are sampled with ``deterministic=False``.
    """

    def __init__(self, spec: PolicySpec, net: ActorCritic, seed: int = 0) -> None:
        self.spec, self.net = spec, net.eval()
        self.observation_space, self.action_space = spec.observation_space, spec.action_space
        self._encode = spec.encoder()
        self._masks = MaskReader(spec.action_space)
        self._distribution = action_distribution(spec.action_space)
        self._generator = seeds.generator(seed, Stream.POLICY)

    def initial_state(self, batch_size: int = 1) -> PolicyState:
        """Return the state before the first step of an episode."""
        previous = null_actions(self.action_space, batch_size)
        return PolicyState(self.net.initial_state(batch_size), previous)

    def require_spaces(self, observation_space: Space, action_space: Space) -> None:
        """Check that an environment has the spaces with which the policy was trained.

        Args:
            observation_space: The environment's observation space.
            action_space: The environment's action space.

        Raises:
            ValueError: If one of the spaces differs.
        """
        pairs = {
            "observation": (self.observation_space, observation_space),
            "action": (self.action_space, action_space),
        }
        for name, (trained, played) in pairs.items():
            if trained != played:
                same = " with another dtype" * (named(trained) == named(played))
                raise ValueError(
                    f"the policy's {name} space is {named(trained)}, the environment's is "
                    f"{named(played)}{same}: use the environment that the policy was trained in"
                )

    def act(
        self,
        obs: Any,
        state: PolicyState | None = None,
        *,
        deterministic: bool = True,
        action_mask: Any = None,
    ) -> tuple[Any, PolicyState]:
        """Choose an action for one agent.

        Args:
            obs: An observation in ``observation_space``. As in training, real numbers may exceed
                their bounds by a rounding error.
            state: The state that the last call returned. None at the start of an episode.
            deterministic: Whether to return the most probable action, instead of sampling one.
            action_mask: Which choices are allowed, as ``info["action_mask"]`` says; see
                ``popgym.spaces.masks``. None: all, or what a mask in the observation says.

        Returns:
            An action in ``action_space``, and the state for the next call.

        Raises:
            ValueError: If the observation is not in its space, or the mask is wrong or the policy
                was trained without one.
            TypeError: If the state is not what a call returned.
        """
        start = np.array([state is None])
        many = self._batch_of_one(obs)
        masks = None
        if action_mask is not None:
            self._require_masks()
            masks = self._mask_of_one(action_mask)
        actions, state = self.act_many(
            many, state, start, deterministic=deterministic, action_masks=masks
        )
        return self._single(actions), state

    def _single(self, actions: Any) -> Any:
        """Return the action of a batch of one."""
        if isinstance(self.action_space, (Tuple, Dict)):
            return next(iter(iterate(batch_space(self.action_space, 1), actions)))
        return actions[0] if isinstance(self.action_space, Discrete) else np.array(actions[0])

    def _batch_of_one(self, obs: Any) -> Any:
        try:
            many = stacked(self.observation_space, [obs])
            self.check(many)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            reason = str(error).removeprefix("environment 0: ")
            raise ValueError(
                f"observation {obs!r} is not in {named(self.observation_space)}: {reason}"
            ) from error
        return many

    def _mask_of_one(self, mask: Any) -> np.ndarray:
        try:
            return self._masks.read(mask)[None]
        except ValueError as error:
            raise ValueError(str(error).removeprefix("environment 0: ")) from error

    def check(self, obs: Any) -> None:
        """Check that B observations are finite and in the observation space.

        Args:
            obs: B observations, as a vector environment returns them.

        Raises:
            ValueError: If a value is not. The message names the environment, the part of the
                observation and the value.
        """
        self._encode.check(obs)

    def _require_masks(self) -> None:
        if not self._masks.size:
            raise ValueError(
                f"actions of {named(self.action_space)} cannot be masked, only Discrete and "
                "MultiDiscrete ones: leave out the mask"
            )
        if not self.spec.masked:
            raise ValueError(
                "the policy was trained without action masks: leave out the mask, or train again "
                "in an environment that gives masks"
            )

    def masks_of(self, info: Mapping[str, Any], count: int) -> np.ndarray | None:
        """Return the action masks in the info of a vector environment, ``[B, A]`` bool.

        None if there are none, or the policy was trained without.

        Raises:
            ValueError: If a mask is wrong.
        """
        return self._masks.of_info(info, count) if self.spec.masked else None

    @torch.inference_mode()
    def act_many(
        self,
        obs: Any,
        state: PolicyState | None,
        start: np.ndarray,
        *,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[Any, PolicyState]:
        """Choose actions for the B agents of a vector environment.

        Args:
            obs: B observations, as a vector environment returns them.
            state: The state that the last call returned. None at the first call.
            start: ``[B]`` bool, the episode start mask: whether the observation is the first of
                an episode.
            deterministic: As in ``act``.
            action_masks: ``[B, A]`` bool, as ``masks_of`` reads them from a vector environment's
                info. None as in ``act``.

        Returns:
            Actions for the vector environment, and the state for the next call.

        Raises:
            ValueError: If there are masks and the policy was trained without.
            TypeError: As ``act``.
        """
        if action_masks is not None:
            self._require_masks()
        if not isinstance(state, PolicyState | None):
            raise TypeError(
                f"state must be what the last call returned, or None at the start, got {state!r}"
            )
        state = state or self.initial_state(len(start))
        encoded = self._encode(obs, state.previous_action, start, action_masks)
        flags = torch.from_numpy(np.asarray(start, bool))
        outputs, _, network = self.net(one_step(encoded), state.network, flags[:, None])
        if deterministic:
            chosen = self._distribution.mode(outputs[:, 0])
        else:
            chosen = self._distribution.sample(outputs[:, 0], self._generator)
        actions = self._distribution.to_env(chosen.numpy())
        # Copied, because an environment may change the actions that it gets.
        return actions, PolicyState(network, copy.deepcopy(actions))

    def save(self, folder: str | Path) -> None:
        """Write the weights as safetensors and the rest as JSON into an existing folder."""
        write(Path(folder), self.spec.as_data(), self.net)


def load_policy(folder: str | Path, seed: int = 0, trust: bool | Trust = False) -> Policy:
    """Load the policy saved in ``folder``.

    Without trust, no code is run that the files bring or name, and no more memory is taken than the
    weights need. ``popgym.runs.trust`` says which files need trust.

    Args:
        folder: The folder ``policy/`` of a run.
        seed: The seed of the actions that are sampled with ``deterministic=False``.
        trust: Whether you trust whoever made the folder.

    Raises:
        ValueError: If a file is missing, damaged or of another format, or the user's own memory
            class with which the policy was trained cannot be imported or has changed.
        UntrustedError: If trust is needed. It is a ValueError.
    """
    folder = Path(folder)
    trust = trust_in(folder, trust)
    with explaining(folder):
        data = read_description(folder, trust)
        trust.check(data["memory"], folder / DESCRIPTION)
        shapes = shapes_of(trust.readable(folder / WEIGHTS, LARGEST_WEIGHTS))
        any_size = trust.everything or is_mine(folder, LARGEST_WEIGHTS)
        spec = PolicySpec.from_data(data, None if any_size else count_of(shapes))
        if not any_size:
            check_fits(spec, shapes, folder / DESCRIPTION)
        net = _build(spec, read_weights(folder, trust))
    return Policy(spec, net, seed)


def _build(spec: PolicySpec, weights: dict[str, Tensor]) -> ActorCritic:
    if ":" not in spec.memory:
        net = empty_network(spec)
        net.load_state_dict(weights)
        return net
    try:
        return spec.build_with(weights)
    except UserModuleError:
        raise
    except Exception as error:
        raise ChangedMemoryError(
            f"memory {spec.memory!r} as it is now ({describe(error)}): restore the class with "
            "which it was trained, or train again"
        ) from error
