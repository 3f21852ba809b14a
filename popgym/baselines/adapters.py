"""Makes a policy of a network that RLlib trained, so that it can be evaluated and inspected.

::

    algorithm = Algorithm.from_checkpoint("my_checkpoint")
    policy = policy_of(algorithm.get_module(), env.observation_space, env.action_space)
    popgym.inspect(policy, "my_envs:MyEnv")

On RLlib's old stack it is ``algorithm.get_policy().model``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gymnasium import Space
from torch import nn

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.rl_modules.memory_module import MemoryModule
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.options import NetworkOptions
from popgym.runs import seeds
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from popgym.spaces.flatten import named


def policy_of(
    network: MemoryModule | BaseModel, observation_space: Space, action_space: Space
) -> Policy:
    """Return a policy with a copy of a network's weights.

    Args:
        network: A module or a custom model, whose memory is a ``popgym.memory.Memory``.
        observation_space: The environment's observation space, before RLlib flattens it.
        action_space: The environment's action space.

    Raises:
        TypeError: If ``network`` is something else.
        ValueError: If it is a module of popgym's own engine, a custom model that computes its
            memory itself, or does not fit the spaces.
    """
    if isinstance(network, MemoryModule):
        if network.is_rollout:
            raise ValueError("this module is of popgym's engine: use popgym.load(run_folder)")
        spec: PolicySpec = _spec_of_module(network, observation_space, action_space)
        source: nn.Module = network.net
    elif isinstance(network, BaseModel):
        if network.core is None:
            raise ValueError(
                f"{type(network).__name__} has no core: only models whose build_core returns a "
                "popgym.memory.Memory can become a policy"
            )
        spec = _ModelSpec(observation_space, action_space, type(network).__name__, {}, {},
                          **_PLAIN, model=network)  # fmt: skip
        source = network
    else:
        raise TypeError(f"network must be a MemoryModule or a BaseModel, got {network!r}")
    net = spec.build()
    try:
        net.load_state_dict(source.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"the network does not fit observations in {named(observation_space)} and actions in "
            f"{named(action_space)}: {error}"
        ) from error
    return Policy(spec, net)


# RLlib's networks see the flattened observation alone.
_PLAIN: dict[str, Any] = {
    "previous_action": False, "start_flag": False, "normalise_observations": False,
}  # fmt: skip
_NO_PICTURES = {"encoder": "none"}


def _spec_of_module(
    module: MemoryModule, observation_space: Space, action_space: Space
) -> PolicySpec:
    memory, options, network = module.described
    return PolicySpec(
        observation_space, action_space, memory, options, {**network, **_NO_PICTURES}, **_PLAIN
    )


@dataclass(frozen=True)
class _ModelSpec(PolicySpec):
    """The description of a policy whose network is that of a custom model."""

    model: BaseModel | None = None

    def build(self, seed: int = 0) -> ActorCritic:
        """Return the network with initial weights."""
        model = self.model
        assert model is not None
        chosen = {field.name: model.cfg[field.name] for field in fields(NetworkOptions)}
        options = NetworkOptions(**{**chosen, **_NO_PICTURES})
        outputs: Any = model.num_outputs  # TorchModelV2 has no types
        with seeds.fresh_weights(seed):
            net = ActorCritic(self.encoder().shapes, outputs, "mlp", {}, options)
            core = model.build_core(net.feature_size, options.hidden_size)
        assert core is not None  # policy_of refuses models without
        net.core = core
        return net

    def encoder(self) -> Any:
        """Return the encoder without pictures, which RLlib's preprocessor flattens."""
        plain = PolicySpec(
            self.observation_space, self.action_space, "mlp", {}, _NO_PICTURES, **_PLAIN
        )
        return plain.encoder()
