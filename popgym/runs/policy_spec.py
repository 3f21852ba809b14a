"""What is needed to build the network of a policy, ready to be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gymnasium import Space
from torch import Tensor

from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.policy_network import NetworkOptions
from popgym.runs import seeds
from popgym.runs.settings import Settings
from popgym.spaces.as_json import space_from_data, space_to_data
from popgym.spaces.as_json_size import check_size
from popgym.spaces.inputs import InputEncoder

_KINDS = {
    "memory": str, "memory_options": dict, "network": dict, "previous_action": bool,
    "start_flag": bool, "normalise_observations": bool, "masked": bool,
}  # fmt: skip


@dataclass(frozen=True)
class PolicySpec:
    """The description of a policy's network: plain numbers and names, and two spaces."""

    observation_space: Space
    action_space: Space
    memory: str
    memory_options: dict[str, Any]
    network: dict[str, Any]
    previous_action: bool = Settings.previous_action
    start_flag: bool = Settings.start_flag
    normalise_observations: bool = Settings.normalise_observations
    masked: bool = False
    """Whether the environment gives action masks."""

    def build(self, seed: int = 0) -> ActorCritic:
        """Return the network with the initial weights that training has for this seed.

        Raises:
            ValueError: If a space is not supported, or an option is not valid.
        """
        distribution = action_distribution(self.action_space)
        with seeds.fresh_weights(seed):
            return ActorCritic(
                self.encoder().shapes,
                distribution.num_inputs,
                self.memory,
                self.memory_options,
                NetworkOptions.from_dict(self.network),
                distribution.num_scales,
            )

    def build_with(self, weights: Mapping[str, Tensor]) -> ActorCritic:
        """Return the network with these weights."""
        net = self.build()
        net.load_state_dict(weights)
        return net

    def encoder(self) -> InputEncoder:
        """Return the encoder that turns observations into the network's input."""
        return InputEncoder(
            self.observation_space, self.action_space, self.previous_action, self.start_flag,
            normalise=self.normalise_observations,
            pictures=self.network.get("encoder") != "none",
            masked=self.masked,
        )  # fmt: skip

    def as_data(self) -> dict[str, Any]:
        """Return the specification as data for JSON.

        Raises:
            ValueError: If a space cannot be written as JSON.
        """
        data = dict(vars(self))
        for name in ("observation_space", "action_space"):
            data[name] = space_to_data(data[name])
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any], most: int | None = None) -> PolicySpec:
        """Return the specification that ``as_data`` wrote.

        Args:
            data: The data.
            most: The most numbers that a flat observation or action may have. None: any number.

        Raises:
            ValueError: If a space is larger or damaged.
        """
        data = dict(data)
        for name in ("observation_space", "action_space"):
            if most is not None:
                check_size(data[name], most)
            data[name] = space_from_data(data[name])
        for name, kind in _KINDS.items():
            if name in data and not isinstance(data[name], kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {data[name]!r}")
        return cls(**data)
