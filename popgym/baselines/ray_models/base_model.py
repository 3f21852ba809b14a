"""The base class of custom models for RLlib's old API stack, around any memory.

RLlib passes to a model the flattened rows of zero-padded chunks of episodes, a list of float
states, and the number of real steps of each row. The base class translates between this format and
the interfaces of the policy network and the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import Tensor, nn

from popgym.baselines.ray_models.call_checks import (
    check_count,
    check_lengths,
    check_result,
    check_rows,
)
from popgym.core.arguments import check_known
from popgym.memory.base import Memory, check_size
from popgym.memory.ops.padding import forward_padded
from popgym.memory.ops.resets import steps_in_episode
from popgym.networks.options import DEFAULT_MAX_STEPS, NetworkOptions
from popgym.networks.policy_network import PolicyNetwork


class BaseModel(TorchModelV2, PolicyNetwork):
    """An actor-critic around a memory, as a custom model of RLlib.

    To write your own model, override ``initial_state`` and ``forward_memory``::

        class LastFrames(BaseModel):
            MODEL_CONFIG = {"decay": 0.9}

            def initial_state(self):
                return [torch.zeros(self.cfg["preprocessor_output_size"])]

            def forward_memory(self, z, state, t_starts, seq_lens):
                ...
                return output, [new_state]

    If the memory is a ``popgym.memory.Memory``, override only ``build_core`` instead.

    Args:
        obs_space: Space of the preprocessed observations: a Box, flattened to O features.
        action_space: Action space.
        num_outputs: Parameters A of the action distribution.
        model_config: RLlib's model configuration. Its ``custom_model_config`` may hold options of
            this model. Its ``max_seq_len`` is the unit of the time embedding, unless the option
            ``embedding_max_steps`` is set.
        name: Name of the model.
        **custom_model_kwargs: Further options of this model. If an option is also in
            ``custom_model_config``, the latter takes precedence.

    Raises:
        ValueError: If an option is unknown (the message suggests the nearest), or a value does not
            fit.
    """

    BASE_CONFIG: ClassVar[dict[str, Any]] = {f.name: f.default for f in fields(NetworkOptions)}
    """Options of every model and their defaults; see ``NetworkOptions``."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {}
    """Options that a model adds, and defaults that it changes."""

    cfg: dict[str, Any]
    """The options in use. ``preprocessor_output_size`` is always F."""

    core: Memory | None
    """The memory if ``build_core`` makes one, otherwise None."""

    def __init__(
        self,
        obs_space: gym.Space,
        action_space: gym.Space,
        num_outputs: int,
        model_config: dict[str, Any],
        name: str,
        **custom_model_kwargs: Any,
    ) -> None:
        cfg = self._configure(model_config, custom_model_kwargs)
        if not isinstance(obs_space, gym.spaces.Box):
            raise ValueError(
                f"the observation space must be a Box, got {obs_space}; leave RLlib's "
                "preprocessors on (_disable_preprocessor_api=False), which flatten any space"
            )
        options = NetworkOptions(**{key: cfg[key] for key in self.BASE_CONFIG})
        self._observation_size = int(np.prod(obs_space.shape))
        PolicyNetwork.__init__(self, self._observation_size, num_outputs, options)
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        # Replace the caller's modules with copies, so that this model does not keep or change them.
        copies = {k: getattr(self, k) for k, v in cfg.items() if isinstance(v, nn.Module)}
        self.cfg = {**cfg, **copies, "preprocessor_output_size": self.feature_size}
        self.core = self.build_core(self.feature_size, options.hidden_size)
        self._value: Tensor | None = None

    @classmethod
    def default_config(cls) -> dict[str, Any]:
        """Return all options and their defaults; a subclass overrides those of its bases."""
        default: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            default.update(vars(base).get("BASE_CONFIG", {}))
            default.update(vars(base).get("MODEL_CONFIG", {}))
        return default

    @classmethod
    def _configure(cls, model_config: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict:
        default = cls.default_config()
        options = {**kwargs, **(model_config.get("custom_model_config") or {})}
        check_known(options, default, f"option of {cls.__name__}")
        cfg = {**default, **options}
        max_seq_len = check_size("max_seq_len", model_config.get("max_seq_len", DEFAULT_MAX_STEPS))
        if cfg["embedding_max_steps"] is None:
            cfg["embedding_max_steps"] = max_seq_len
        return cfg

    def build_core(self, input_size: int, hidden_size: int) -> Memory | None:
        """Build the memory, or return None if the subclass overrides ``forward_memory``.

        ``__init__`` calls this at its end, when ``cfg`` holds the options.

        Args:
            input_size: Input features F of the memory.
            hidden_size: Output features D of the memory.
        """
        return None

    def initial_state(self) -> list[Tensor]:
        """Return the memory's state before an episode, tensors without a batch axis."""
        return [tensor[0] for tensor in self._core().initial_state(1)]

    def forward_memory(
        self, z: Tensor, state: list[Tensor], t_starts: Tensor, seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the memory over right-padded rows.

        Args:
            z: Features [B, T, F]. The steps from ``seq_lens`` on are padding.
            state: State of the memory: the tensors of ``initial_state`` with a batch axis
                [B, ...].
            t_starts: Number of steps already played in the episode, int64 [B]. It is above 0 if a
                row continues an episode.
            seq_lens: Number of real steps of each row, int64 [B].

        Returns:
            Output [B, T, D], padding included, and each row's state after its last real step.
        """
        core = self._core()
        like = core.initial_state(0)
        check_count(state, len(like), self)
        tensors = [given.to(zeros.dtype) for given, zeros in zip(state, like, strict=True)]
        y, after = forward_padded(core, z, type(like)(*tensors), seq_lens)
        return y, list(after)

    def _core(self) -> Memory:
        if self.core is None:
            raise NotImplementedError(
                f"{type(self).__name__} has no memory: override initial_state and "
                "forward_memory, or build_core"
            )
        return self.core

    def get_initial_state(self) -> list[Any]:
        """Return the initial state for RLlib.

        Returns:
            The memory's state, followed by the number of steps already played, a zero [1].
        """
        return [*self.initial_state(), torch.zeros(1)]

    def forward(
        self,
        input_dict: Mapping[str, Any],
        state: list[Any],
        seq_lens: Any,
    ) -> tuple[Tensor, list[Any]]:
        """Compute the logits; RLlib calls this.

        Args:
            input_dict: Holds "obs_flat" [B·T, O]: B rows of T steps, right-padded.
            state: State in the form of ``get_initial_state``, with a batch axis; floats.
            seq_lens: Number of real steps of each row [B], a tensor or an array. None means that
                all steps are real.

        Returns:
            Logits [B·T, A], padding included, and the state after each row's last real step.

        Raises:
            ValueError: If the observations, the state, ``seq_lens`` or the result of
                ``forward_memory`` have the wrong shape.
            TypeError: If the state holds anything other than tensors.
        """
        obs = input_dict["obs_flat"].flatten(1).to(self.critic_head.weight.dtype)
        check_rows(obs, self._observation_size, state)
        t_starts = state[-1].to(obs.device).flatten().long()  # [B]
        B = len(t_starts)
        obs = obs.unflatten(0, (B, -1))  # [B, T, O]
        T = obs.shape[1]
        seq_lens = torch.full_like(t_starts, T) if seq_lens is None else seq_lens
        lens = torch.as_tensor(seq_lens, device=obs.device).long()
        check_lengths(lens, B)

        time = steps_in_episode(t_starts[:, None], T, None)
        z, before = self.features(obs, time), list(state[:-1])
        y, memory = self.forward_memory(z, before, t_starts, lens)
        check_result(y, (B, T, self.cfg["hidden_size"]), memory, before, self)
        logits, value = self.heads(y)
        self._value = value.flatten()
        played = (t_starts + lens)[:, None].float()
        return logits.flatten(0, 1), [*memory, played]

    def value_function(self) -> Tensor:
        """Return the values [B·T] of the steps of the last ``forward``.

        Raises:
            RuntimeError: If ``forward`` has not been called.
        """
        if self._value is None:
            raise RuntimeError(
                "value_function() returns the values of the last forward(); call forward() first"
            )
        return self._value
