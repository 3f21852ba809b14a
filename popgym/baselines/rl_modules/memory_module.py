"""The RLModule for every memory. It runs padded chunks in RLlib, and rollouts in popgym's PPO."""

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
from popgym.inputs import NUMBERS
from popgym.memory.registry import find_memory, memory_options
from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.options import NetworkOptions
from popgym.runs.settings import Settings

START = "start"
"""Column of the episode start mask [B, T] bool. A batch with this column is a batch of rollouts."""

ROLLOUT_STATE = "rollout_state"
"""Column of the state before each rollout, in the form of ``ActorCritic.flatten_state``."""

DEFAULT_MEMORY = Settings.memory
DEFAULT_MAX_SEQ_LEN = 64


class MemoryModule(TorchRLModule, ValueFunctionAPI):
    """An actor-critic with a memory, for PPO and similar algorithms of RLlib.

    ``model_config`` holds numbers and names only, because RLlib writes it into checkpoints::

        RLModuleSpec(
            module_class=MemoryModule,
            model_config={"memory": "frameconv", "stack_size": 4, "max_seq_len": 64},
        )

    ======================= ======= =====================================================
    key                     default meaning
    ======================= ======= =====================================================
    memory                          a key of ``popgym.memory.MEMORIES``, or
                                    ``module:Class``; default "frameconv"
    the memory's options            such as ``stack_size``, ``num_layers``
    memory_options          {}      options of the memory whose names are also other keys
                                    of this table
    ``NetworkOptions``              options of the layers around the memory
    embedding_max_steps             unit of the time embedding; default ``max_seq_len``
    max_seq_len             64      length of a chunk in RLlib's learner; gradients flow
                                    within a chunk
    rollout                 False   whether batches are rollouts, whose rows hold several
                                    episodes. The module then offers no state to RLlib,
                                    because RLlib would split the rows by it
    ======================= ======= =====================================================

    A batch of rollouts has the columns ``START`` and ``ROLLOUT_STATE``, and named arrays
    [B, T, ...] as observations (``popgym.inputs``). ``_forward_train`` returns the values as
    embeddings, which RLlib passes on to ``compute_values``.

    Raises:
        ValueError: In ``setup``, if a key is unknown (the message suggests the nearest),
            ``model_config`` holds a module, or a space is not supported.
    """

    model_config: dict[str, Any]
    net: ActorCritic
    """The network. Its weights can be loaded into a custom model with the same options."""
    described: tuple[str, dict[str, Any], dict[str, Any]]
    """The memory, its options, and those of the layers around it."""

    def setup(self) -> None:
        """Build the network; RLlib calls this once."""
        config = _own_keys(self.model_config)
        memory = config.pop("memory", DEFAULT_MEMORY)
        of_memory = config.pop("memory_options", {})
        self.model_config = {
            "max_seq_len": DEFAULT_MAX_SEQ_LEN,
            **_as_dict(self.model_config),
        }
        self.is_rollout = bool(config.pop("rollout", False))
        size: int | dict[str, tuple[int, ...]]
        if self.is_rollout:
            size = input_shapes(self.observation_space)
        else:
            self.observation_shape = _observation_shape(self.observation_space)
            size = math.prod(self.observation_shape)
        max_seq_len = config.pop("max_seq_len", DEFAULT_MAX_SEQ_LEN)
        network_keys = {field.name for field in dataclasses.fields(NetworkOptions)}
        network = {key: config.pop(key) for key in network_keys & set(config)}
        if network.get("embedding_max_steps") is None:
            network["embedding_max_steps"] = max_seq_len
        # The remaining keys are the memory's options.
        self.described = (memory, {**config, **of_memory}, network)
        distribution = action_distribution(self.action_space)
        if not self.is_rollout:
            _check_actions(self.action_space)
        self.net = ActorCritic(
            observation_size=size,
            num_outputs=distribution.num_inputs,
            memory=memory,
            memory_options=self.described[1],
            options=NetworkOptions(**network),
            num_scales=distribution.num_scales,
        )

    def get_initial_state(self) -> dict[str, np.ndarray]:
        """Return the state before an episode, without a batch axis; {} for rollouts."""
        if self.is_rollout:
            return {}
        tensors = self.net.flatten_state(self.net.initial_state(1))
        return {name: tensor[0].cpu().numpy() for name, tensor in tensors.items()}

    def get_inference_action_dist_cls(self) -> Any:
        """Return RLlib's distribution for the action space."""
        if isinstance(self.action_space, gym.spaces.MultiDiscrete):
            return TorchMultiCategorical.get_partial_dist_cls(
                input_lens=self.action_space.nvec.tolist()
            )
        return super().get_inference_action_dist_cls()

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute the outputs for acting.

        Args:
            batch: Observations, with or without a time axis. Without a time axis each row is one
                step. Without ``STATE_IN`` each row begins an episode.
            **kwargs: Ignored.

        Returns:
            ``ACTION_DIST_INPUTS``, and ``STATE_OUT``, the state after the real steps of each row.

        Raises:
            ValueError: If the module is one for rollouts, which has no state to offer.
        """
        if self.is_rollout:
            raise ValueError(
                "this module is trained on rollouts and keeps no state between calls: to act, save "
                "the run and use popgym.load(run_folder).act(obs, state)"
            )
        obs, has_time = self._flat_obs(batch[Columns.OBS])
        state = self._state(batch.get(Columns.STATE_IN), len(obs))
        seq_lens = batch.get(Columns.SEQ_LENS)
        if seq_lens is None:
            logits, _, state = self.net(obs, state)
        else:
            logits, _, state = self.net.forward_padded(obs, state, seq_lens)
        return {
            Columns.ACTION_DIST_INPUTS: logits if has_time else logits[:, 0],
            Columns.STATE_OUT: self.net.flatten_state(state),
        }

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute the outputs for learning.

        Returns:
            ``ACTION_DIST_INPUTS`` [B, T, A], and the values [B, T] as ``EMBEDDINGS``. Outputs in
            the padding of a chunk are meaningless and do not affect earlier steps.
        """
        start = batch.get(START)
        if start is not None:
            state = self.net.unflatten_state(batch[ROLLOUT_STATE])
            logits, values, _ = self.net(batch[Columns.OBS], state, start)
            return {Columns.ACTION_DIST_INPUTS: logits, Columns.EMBEDDINGS: values}
        obs, has_time = self._flat_obs(batch[Columns.OBS])
        logits, values, _ = self.net(obs, self._state(batch.get(Columns.STATE_IN), len(obs)))
        if not has_time:
            logits, values = logits[:, 0], values[:, 0]
        return {Columns.ACTION_DIST_INPUTS: logits, Columns.EMBEDDINGS: values}

    def compute_values(self, batch: dict[str, Any], embeddings: Any | None = None) -> Tensor:
        """Return the values [B, T]: those of ``_forward_train`` if given, otherwise computed."""
        if embeddings is None:
            embeddings = self._forward_train(batch)[Columns.EMBEDDINGS]
        return embeddings

    def _flat_obs(self, obs: Tensor) -> tuple[Tensor, bool]:
        """Return the observations as [B, T, O], and whether they had a time axis."""
        axes = len(self.observation_shape)
        has_time = obs.dim() == axes + 2
        obs = obs if has_time else obs.unsqueeze(1)
        # [B, T, *shape]; an empty shape is one feature
        obs = obs.flatten(2) if axes else obs.unsqueeze(-1)
        return obs.to(self.net.critic_head.weight.dtype), has_time

    def _state(self, tensors: Mapping[str, Tensor] | None, rows: int) -> ActorCriticState:
        return self.net.initial_state(rows) if not tensors else self.net.unflatten_state(tensors)


def _check_actions(space: Any) -> None:
    """Check that RLlib's own distribution of an action space takes the outputs of the network."""
    one_axis = isinstance(space, gym.spaces.MultiDiscrete) and space.nvec.ndim == 1
    real = isinstance(space, gym.spaces.Box) and np.issubdtype(space.dtype, np.floating)
    if not (isinstance(space, gym.spaces.Discrete) or one_axis or real):
        raise ValueError(
            f"the action space {space} is not supported by RLlib's learners with this module: it "
            "must be Discrete, one-dimensional MultiDiscrete, or a Box of real numbers; "
            "popgym.train takes it"
        )


def input_shapes(space: Any) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's input, given its space (``popgym.spaces.inputs``)."""
    parts = space.spaces if isinstance(space, gym.spaces.Dict) else {NUMBERS: space}
    return {name: part.shape for name, part in parts.items()}


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
    """Return the keys for this module, without those that RLlib always adds.

    Raises:
        ValueError: If a key is unknown, or a value is a module.
    """
    defaults = dataclasses.asdict(DefaultModelConfig())
    config = {
        key: value
        for key, value in _as_dict(model_config).items()
        # PPO adds vf_share_layers; a missing config becomes a complete DefaultModelConfig.
        if key != "vf_share_layers"
        and (key == "max_seq_len" or key not in defaults or value != defaults[key])
    }
    for key, value in {**config, **config.get("memory_options", {})}.items():
        if isinstance(value, nn.Module):
            raise ValueError(
                f"model_config holds numbers and names, got a module for {key!r}; "
                "give layer sizes instead, such as [256, 128]"
            )
    of_memory = memory_options(find_memory(config.get("memory", DEFAULT_MEMORY)))
    if of_memory is not None:
        network = [field.name for field in dataclasses.fields(NetworkOptions)]
        known = ["memory", "memory_options", "max_seq_len", "rollout", *network, *of_memory]
        check_known(config, known, "model_config key")
    return config
