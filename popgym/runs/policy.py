"""A trained agent, saved without pickle and used without Ray.

::

    policy = popgym.load("runs/RepeatPreviousEasy-frameconv")
    action, state = policy.act(obs, state)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from gymnasium.spaces import Discrete
from torch import Tensor

from popgym.core.actions import null_actions
from popgym.core.layout import stacked
from popgym.importing import UserModuleError
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.distributions import action_distribution
from popgym.networks.policy_network import NetworkOptions
from popgym.runs import seeds
from popgym.runs.policy_file import ChangedMemoryError, explaining, in_one_line, read, write
from popgym.runs.seeds import Stream
from popgym.runs.settings import Settings
from popgym.spaces.agent_input import AgentInput
from popgym.spaces.as_json import space_from_data, space_to_data
from popgym.spaces.flatten import named


@dataclass(frozen=True)
class PolicySpec:
    """What it takes to build the network anew: plain numbers and names, and two spaces."""

    observation_space: Space
    action_space: Space
    memory: str
    memory_options: dict[str, Any]
    network: dict[str, Any]
    previous_action: bool = Settings.previous_action
    start_flag: bool = Settings.start_flag

    def build(self, seed: int = 0) -> ActorCritic:
        """The network with fresh weights, those that training begins with for this seed.

        Raises:
            ValueError: If a space is not supported, or an option does not fit.
        """
        distribution = action_distribution(self.action_space)
        with seeds.fresh_weights(seed):
            return ActorCritic(
                self.encoder().size,
                distribution.num_inputs,
                self.memory,
                self.memory_options,
                NetworkOptions.from_dict(self.network),
            )

    def build_with(self, weights: Mapping[str, Tensor]) -> ActorCritic:
        """Return the network with these weights."""
        net = self.build()
        net.load_state_dict(weights)
        return net

    def encoder(self) -> AgentInput:
        """What turns observations into the network's input."""
        spaces = self.observation_space, self.action_space
        return AgentInput(*spaces, self.previous_action, self.start_flag)

    def as_data(self) -> dict[str, Any]:
        """Ready for JSON.

        Raises:
            ValueError: If a space cannot be written down.
        """
        data = dict(vars(self))
        for name in ("observation_space", "action_space"):
            data[name] = space_to_data(data[name])
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> PolicySpec:
        """What `as_data` wrote."""
        data = dict(data)
        for name in ("observation_space", "action_space"):
            data[name] = space_from_data(data[name])
        return cls(**data)


class PolicyState(NamedTuple):
    """What a policy carries from step to step, for B agents side by side."""

    network: ActorCriticState
    """The network's memory, tensors [B, ...]."""
    previous_action: Any
    """The actions taken last, a batch of the action space."""


class Policy:
    """Acts from observations alone; all that it remembers is in the state it hands back.

    Args:
        spec: how the network is built.
        net: the network.
        seed: of the draws of ``deterministic=False``.
    """

    def __init__(self, spec: PolicySpec, net: ActorCritic, seed: int = 0) -> None:
        self.spec, self.net = spec, net.eval()
        self.observation_space, self.action_space = spec.observation_space, spec.action_space
        self._encode = spec.encoder()
        self._distribution = action_distribution(spec.action_space)
        self._generator = seeds.generator(seed, Stream.POLICY)

    def initial_state(self, batch_size: int = 1) -> PolicyState:
        """The state before an episode's first step."""
        previous = null_actions(self.action_space, batch_size)
        return PolicyState(self.net.initial_state(batch_size), previous)

    def require_spaces(self, observation_space: Space, action_space: Space) -> None:
        """Refuses an environment with other spaces than those that the policy was trained with.

        Raises:
            ValueError: If a space is another one.
        """
        pairs = {
            "observation": (self.observation_space, observation_space),
            "action": (self.action_space, action_space),
        }
        for name, (trained, played) in pairs.items():
            if trained != played:
                same = " with other types of numbers" * (named(trained) == named(played))
                raise ValueError(
                    f"the policy's {name} space is {named(trained)}, the environment's is "
                    f"{named(played)}{same}: use the environment that the policy was trained in"
                )

    def act(
        self, obs: Any, state: PolicyState | None = None, *, deterministic: bool = True
    ) -> tuple[Any, PolicyState]:
        """One step of one agent.

        Args:
            obs: an observation of `observation_space`; real numbers may lie beyond their bounds by
                a rounding error, as in training.
            state: what the last call returned; None at the start of an episode.
            deterministic: the most probable action, or one drawn from the distribution.

        Returns:
            an action of `action_space`, and the state for the next call.

        Raises:
            ValueError: when the observation is not in its space.
        """
        start = np.array([state is None])
        many = self._batch_of_one(obs)
        actions, state = self.act_many(many, state, start, deterministic=deterministic)
        single = actions[0] if isinstance(self.action_space, Discrete) else np.array(actions[0])
        return single, state

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

    def check(self, obs: Any) -> None:
        """Refuses B observations with a value outside the space, or one not finite.

        Raises:
            ValueError: names the environment, the part of the observation and the value.
        """
        self._encode.check(obs)

    @torch.inference_mode()
    def act_many(
        self,
        obs: Any,
        state: PolicyState | None,
        start: np.ndarray,
        *,
        deterministic: bool = True,
    ) -> tuple[np.ndarray, PolicyState]:
        """One step of B agents, as a vector environment plays them.

        Args:
            obs: B observations, as a vector environment gives them.
            state: what the last call returned; None at first.
            start: [B] bool, whose observation is the first of an episode.
            deterministic: as in `act`.

        Returns:
            actions for the vector environment, and the next state.
        """
        state = state or self.initial_state(len(start))
        inputs = torch.from_numpy(self._encode(obs, state.previous_action, start))
        flags = torch.from_numpy(np.asarray(start, bool))
        outputs, _, network = self.net(inputs[:, None], state.network, flags[:, None])
        if deterministic:
            chosen = self._distribution.mode(outputs[:, 0])
        else:
            chosen = self._distribution.sample(outputs[:, 0], self._generator)
        actions = self._distribution.to_env(chosen.numpy())
        return actions, PolicyState(network, actions.copy())  # environments may write into theirs

    def save(self, folder: str | Path) -> None:
        """Writes the weights as safetensors and the rest as JSON into an existing folder."""
        write(Path(folder), self.spec.as_data(), self.net)


def load_policy(folder: str | Path, seed: int = 0) -> Policy:
    """The policy saved in ``folder``.

    Raises:
        ValueError: when a file is missing, damaged or of another format, or the user's memory
            that the policy was trained with is not to be had or has changed.
    """
    folder = Path(folder)
    with explaining(folder):
        data, weights = read(folder)
        spec = PolicySpec.from_data(data)
        net = _build(spec, weights)
    return Policy(spec, net, seed)


def _build(spec: PolicySpec, weights: dict[str, Tensor]) -> ActorCritic:
    try:
        return spec.build_with(weights)
    except UserModuleError:
        raise
    except Exception as error:
        if ":" not in str(spec.memory):
            raise
        raise ChangedMemoryError(
            f"memory {spec.memory!r} as it is now ({in_one_line(error)}): bring back the class "
            "that it was trained with, or train anew"
        ) from error
