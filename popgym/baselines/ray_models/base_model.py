"""The custom model that RLlib's old API stack calls, around any memory.

RLlib gives a model flattened rows of zero-padded chunks of episodes, a list of float states and
the number of real steps of each row. This class translates between that and the interfaces of the
policy network and the memory.
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

    A model of one's own overrides ``initial_state`` and ``forward_memory``::

        class LastFrames(BaseModel):
            MODEL_CONFIG = {"decay": 0.9}

            def initial_state(self):
                return [torch.zeros(self.cfg["preprocessor_output_size"])]

            def forward_memory(self, z, state, t_starts, seq_lens):
                ...
                return output, [new_state]

    or, where the memory is a ``popgym.memory.Memory``, only ``build_core``.

    Args:
        obs_space: What RLlib's preprocessor yields: a Box, flattened to O features.
        action_space: The action space.
        num_outputs: Parameters A of the action distribution.
        model_config: RLlib's model configuration. ``max_seq_len`` is the unit of the time
            embedding unless the option ``embedding_max_steps`` is given; options of this model
            may stand in ``custom_model_config``.
        name: The model's name.
        **custom_model_kwargs: Options of this model too; ``custom_model_config`` wins.

    Raises:
        ValueError: For an unknown option, with the nearest, or one that does not fit.
    """

    BASE_CONFIG: ClassVar[dict[str, Any]] = {f.name: f.default for f in fields(NetworkOptions)}
    """Options of every model and their defaults; see ``NetworkOptions``."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {}
    """Options that a model adds, and defaults that it changes."""

    cfg: dict[str, Any]
    """The options in force. ``preprocessor_output_size`` is F, whatever set it."""

    core: Memory | None
    """The memory, if it is one of popgym's; None where a subclass does without."""

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
        # The copies stand for the caller's modules, which this model must not keep or change.
        copies = {k: getattr(self, k) for k, v in cfg.items() if isinstance(v, nn.Module)}
        self.cfg = {**cfg, **copies, "preprocessor_output_size": self.feature_size}
        self.core = self.build_core(self.feature_size, options.hidden_size)
        self._value: Tensor | None = None

    @classmethod
    def default_config(cls) -> dict[str, Any]:
        """All options of this model and their defaults: a subclass's over those of its bases."""
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
        """The memory from F = ``input_size`` to D = ``hidden_size`` features, if it is popgym's.

        Called at the end of ``__init__``, where ``cfg`` holds the options.
        """
        return None

    def initial_state(self) -> list[Tensor]:
        """The memory's state before an episode, tensors without a batch axis."""
        return [tensor[0] for tensor in self._core().initial_state(1)]

    def forward_memory(
        self, z: Tensor, state: list[Tensor], t_starts: Tensor, seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Runs the memory over right-padded rows.

        Args:
            z: Features [B, T, F]; those from ``seq_lens`` on are padding.
            state: The memory's state [B, ...], as ``initial_state`` with a batch axis.
            t_starts: Steps already played in the episode, int64 [B]: above 0 where a rollout
                comes in several calls.
            seq_lens: Real steps of each row, int64 [B].

        Returns:
            Output [B, T, D], padding included, and each row's state after its own last step.
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
        """The memory's state and, last, the steps already played [1]; all zero."""
        return [*self.initial_state(), torch.zeros(1)]

    def forward(
        self,
        input_dict: Mapping[str, Any],
        state: list[Any],
        seq_lens: Any,
    ) -> tuple[Tensor, list[Any]]:
        """What RLlib calls.

        Args:
            input_dict: "obs_flat" [B·T, O]: B rows of T steps, right-padded.
            state: As ``get_initial_state``, with a batch axis; floats.
            seq_lens: Real steps of each row [B], a tensor or array; None: all are.

        Returns:
            Logits [B·T, A], padding included, and the state after each row's last step.

        Raises:
            ValueError: If the observations, the state or ``seq_lens``, or what ``forward_memory``
                returns, have the wrong shape.
            TypeError: If the state holds something else than tensors.
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
        """Values [B·T] of the steps of the last ``forward``."""
        if self._value is None:
            raise RuntimeError("value_function() belongs to the last forward(); call that first")
        return self._value
