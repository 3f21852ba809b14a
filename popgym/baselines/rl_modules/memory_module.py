"""One RLModule for every memory: in stock RLlib on padded chunks, in popgym's PPO on rollouts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from torch import Tensor, nn

from popgym.core.arguments import check_known
from popgym.memory.registry import find_memory, memory_options
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.distributions import action_distribution
from popgym.networks.options import NetworkOptions
from popgym.runs.settings import Settings

START = "start"
"""Column [B, T] bool: whether a step is the first of an episode. It marks a batch of rollouts."""

ROLLOUT_STATE = "rollout_state"
"""Column: the state before each rollout, as ``ActorCritic.flatten_state`` names its tensors."""

DEFAULT_MEMORY = Settings.memory
DEFAULT_MAX_SEQ_LEN = 64


class MemoryModule(TorchRLModule, ValueFunctionAPI):
    """An actor-critic with a memory, for RLlib's PPO and kin.

    ``model_config`` holds numbers and names only, since RLlib writes it into checkpoints::

        RLModuleSpec(
            module_class=MemoryModule,
            model_config={"memory": "frameconv", "stack_size": 4, "max_seq_len": 64},
        )

    ======================= ======= =====================================================
    key                     default meaning
    ======================= ======= =====================================================
    memory                          a key of ``popgym.memory.MEMORIES``, or
                                    ``module:Class``; "frameconv"
    the memory's options            such as ``stack_size``, ``num_layers``
    memory_options          {}      the same in a table of their own, where a name is also
                                    one of the others here
    ``NetworkOptions``               sizes and names of the layers around it
    embedding_max_steps             unit of the time embedding; ``max_seq_len``
    max_seq_len             64      steps of a chunk in RLlib's learner, over which
                                    gradients flow
    rollout                    False   serve rollouts: rows that hold many episodes. No state is
                                    offered to RLlib, which would cut the rows by it
    ======================= ======= =====================================================

    On rollouts a batch has the columns ``START`` and ``ROLLOUT_STATE`` beside the observations
    [B, T, ...], and values travel as embeddings, so that ``compute_values`` gets them back.

    Raises:
        ValueError: From ``setup``, for an unknown key (with the nearest), a module in
            ``model_config``, or a space that is not supported.
    """

    model_config: dict[str, Any]
    net: ActorCritic
    """The network; its weights fit the custom model of the same options."""

    def setup(self) -> None:
        """Builds the network; RLlib calls it once."""
        self.observation_shape = _observation_shape(self.observation_space)
        config = _own_keys(self.model_config)
        memory = config.pop("memory", DEFAULT_MEMORY)
        of_memory = config.pop("memory_options", {})
        self.model_config = {
            "max_seq_len": DEFAULT_MAX_SEQ_LEN,
            **_as_dict(self.model_config),
        }
        self.is_rollout = bool(config.pop("rollout", False))
        max_seq_len = config.pop("max_seq_len", DEFAULT_MAX_SEQ_LEN)
        network_keys = {field.name for field in dataclasses.fields(NetworkOptions)}
        network = {key: config.pop(key) for key in network_keys & set(config)}
        if network.get("embedding_max_steps") is None:
            network["embedding_max_steps"] = max_seq_len
        self.net = ActorCritic(
            observation_size=math.prod(self.observation_shape),
            num_outputs=action_distribution(self.action_space).num_inputs,
            memory=memory,
            memory_options={**config, **of_memory},  # what is left, and the table
            options=NetworkOptions(**network),
        )

    def get_initial_state(self) -> dict[str, np.ndarray]:
        """The state before an episode, without a batch axis; {} when serving rollouts."""
        if self.is_rollout:
            return {}
        tensors = self.net.flatten_state(self.net.initial_state(1))
        return {name: tensor[0].cpu().numpy() for name, tensor in tensors.items()}

    def get_inference_action_dist_cls(self) -> Any:
        """RLlib's distribution for the action space."""
        if isinstance(self.action_space, gym.spaces.MultiDiscrete):
            return TorchMultiCategorical.get_partial_dist_cls(
                input_lens=self.action_space.nvec.tolist()
            )
        return super().get_inference_action_dist_cls()

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Acts: ``ACTION_DIST_INPUTS`` and ``STATE_OUT``, both for the real steps of each row.

        Without ``STATE_IN`` every row begins an episode; without a time axis it is one step.
        """
        obs, has_time = self._flat_obs(batch[Columns.OBS])
        state = self._state(batch.get(Columns.STATE_IN), len(obs))
        seq_lens = batch.get(Columns.SEQ_LENS)
        if seq_lens is None:
            logits, _, state = self.net(obs, state)
        else:
            logits, _, state = self.net.forward_padded(obs, state, seq_lens)
        out = {Columns.ACTION_DIST_INPUTS: logits if has_time else logits[:, 0]}
        return out if self.is_rollout else {**out, Columns.STATE_OUT: self.net.flatten_state(state)}

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Learns: ``ACTION_DIST_INPUTS`` [B, T, A], and the values [B, T] as ``EMBEDDINGS``.

        What stands in the padding of a chunk has no meaning, and reaches no step before it.
        """
        obs, has_time = self._flat_obs(batch[Columns.OBS])
        start = batch.get(START)
        given = batch.get(Columns.STATE_IN) if start is None else batch[ROLLOUT_STATE]
        logits, values, _ = self.net(obs, self._state(given, len(obs)), start)
        if not has_time:
            logits, values = logits[:, 0], values[:, 0]
        return {Columns.ACTION_DIST_INPUTS: logits, Columns.EMBEDDINGS: values}

    def compute_values(self, batch: dict[str, Any], embeddings: Any | None = None) -> Tensor:
        """Values [B, T]: those that ``_forward_train`` handed out, or computed anew."""
        if embeddings is None:
            embeddings = self._forward_train(batch)[Columns.EMBEDDINGS]
        return embeddings

    def _flat_obs(self, obs: Tensor) -> tuple[Tensor, bool]:
        """Observations as [B, T, O], and whether they came with a time axis."""
        axes = len(self.observation_shape)
        has_time = obs.dim() == axes + 2
        obs = obs if has_time else obs.unsqueeze(1)
        # [B, T, *shape]; an empty shape is one feature
        obs = obs.flatten(2) if axes else obs.unsqueeze(-1)
        return obs.to(self.net.critic_head.weight.dtype), has_time

    def _state(self, tensors: Mapping[str, Tensor] | None, rows: int) -> ActorCriticState:
        return self.net.initial_state(rows) if not tensors else self.net.unflatten_state(tensors)


def _observation_shape(space: Any) -> tuple[int, ...]:
    if not isinstance(space, gym.spaces.Box):
        raise ValueError(
            f"MemoryModule needs Box observations, got {space}; flatten them with RLlib's "
            "FlattenObservations connector (env_to_module_connector) or "
            "gymnasium.wrappers.FlattenObservation"
        )
    return space.shape


def _as_dict(config: Any) -> dict[str, Any]:
    if isinstance(config, DefaultModelConfig):
        return dataclasses.asdict(config)
    return dict(config or {})


def _own_keys(model_config: Any) -> dict[str, Any]:
    """The keys meant for this module; those that RLlib always adds are left out.

    Raises:
        ValueError: For a key that means nothing here, or a module as a value.
    """
    defaults = dataclasses.asdict(DefaultModelConfig())
    config = {
        key: value
        for key, value in _as_dict(model_config).items()
        # PPO adds vf_share_layers; a config left out becomes a whole DefaultModelConfig.
        if key != "vf_share_layers"
        and (key == "max_seq_len" or key not in defaults or value != defaults[key])
    }
    for key, value in {**config, **config.get("memory_options", {})}.items():
        if isinstance(value, nn.Module):
            raise ValueError(
                f"model_config holds numbers and names, got a module for {key!r}; "
                "give layer sizes, such as [256, 128]"
            )
    of_memory = memory_options(find_memory(config.get("memory", DEFAULT_MEMORY)))
    if of_memory is not None:
        network = [field.name for field in dataclasses.fields(NetworkOptions)]
        known = ["memory", "memory_options", "max_seq_len", "rollout", *network, *of_memory]
        check_known(config, known, "model_config key")
    return config
