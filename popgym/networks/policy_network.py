"""All layers of an actor-critic except its memory, in the architecture of POPGym's models.

    obs ─ feature_map ─ (+ embedding of the step) ─ preprocessor ─ z ─ [core] ─ y
    y ─ postprocessor ┬─ actor  ─ actor_head  ─ logits
                      └─ critic ─ critic_head ─ value

Morad et al., "POPGym: Benchmarking Partially Observable Reinforcement Learning" (ICLR 2023).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.ops.linear import Linear
from popgym.networks.embedding import make_embedding
from popgym.networks.input_layers import InputLayers, Inputs
from popgym.networks.options import (
    DEFAULT_MAX_STEPS,
    DEFAULT_OUTPUT_SIZE,
    LOG_STD_RANGE,
    Layers,
    NetworkOptions,
)

__all__ = ["NetworkOptions", "PolicyNetwork"]

LOG_STD_UNIT = 5.0
"""Unit of the parameter for the logarithm. A step of Adam has the size of the learning rate, so the
deviation changes this much faster than a weight. Otherwise it would take thousands of updates."""


class PolicyNetwork(nn.Module):
    """The layers around a memory; subclasses set ``core``, the memory.

    Linear weights are initialised orthogonally. The weights of the two heads are normal with
    standard deviation 0.01 and their biases are zero, so that training begins with nearly equal
    probabilities and values near 0. The biases before the LayerNorm keep torch's random
    initialisation. With zero biases, the LayerNorm would remove the norm of an observation.

    Args:
        observation_size: Features O of a flattened observation; or the shape of each array of the
            input, named as in ``popgym.inputs``, without the axes of rows and steps.
        num_outputs: Outputs A of the actor, the parameters of the action distribution.
        options: Options of the layers.
        num_scales: How many of these outputs, at the end, are logarithms of standard deviations.

    Raises:
        ValueError: If a module in ``options`` has the wrong input or output size.
    """

    def __init__(
        self,
        observation_size: int | Mapping[str, tuple[int, ...]],
        num_outputs: int,
        options: NetworkOptions | None = None,
        num_scales: int = 0,
    ) -> None:
        super().__init__()
        options = options or NetworkOptions()
        self.inputs = None
        if not isinstance(observation_size, int):
            self.inputs = InputLayers(observation_size, options.encoder)
            observation_size = self.inputs.size
        width = options.preprocessor_input_size
        observed = width
        if options.has_embedding and options.embedding_mode == "cat":
            observed = width - (options.embedding_size or 0)
        self.concatenates = observed < width
        self.feature_map = nn.Sequential(
            _linear(observation_size, observed), nn.LayerNorm(observed, elementwise_affine=False)
        )
        self.embedding = make_embedding(
            options.embedding,
            options.embedding_size or width,
            options.embedding_max_steps or DEFAULT_MAX_STEPS,
        )
        # s = sigmoid(mixing) lies in [0, 1]. A clamp would have a gradient of 0 outside, and s
        # could not come back.
        mixes = options.has_embedding and options.scale_embedding
        self.mixing = nn.Parameter(torch.zeros(())) if mixes else None

        self.preprocessor, self.feature_size = _build(
            "preprocessor", options.preprocessor, width, options.preprocessor_output_size
        )
        self.register_module("core", None)  # fixes the order of modules: core is between z and y
        self.postprocessor, y_size = _build(
            "postprocessor", options.postprocessor, options.hidden_size, None
        )
        out = options.postprocessor_output_size
        actor = (out,) if options.actor is None else options.actor
        self.actor, actor_size = _build("actor", actor, y_size, out)
        free = 0 if options.state_dependent_std else num_scales
        self.actor_head = _head(actor_size, num_outputs - free)
        start = torch.full((free,), options.initial_log_std / LOG_STD_UNIT)
        self.log_std = nn.Parameter(start) if free else None
        critic = (out,) if options.critic is None else options.critic
        self.critic, critic_size = _build("critic", critic, y_size, out)
        self.critic_head = _head(critic_size, 1)

    def features(self, obs: Inputs, time: Tensor | None) -> Tensor:
        """Compute the inputs of the memory.

        Args:
            obs: Flattened observations [..., O], or named arrays if the network was built for them.
            time: Step within the episode [...], integers counted from 0. Ignored without an
                embedding; it may then be None.

        Returns:
            Features z [..., F].
        """
        if self.inputs is not None:
            obs = self.inputs(obs)
        x = self.feature_map(obs)
        if self.embedding is not None:
            x = self._embed(x, self.embedding(time))
        return self.preprocessor(x)

    def _embed(self, x: Tensor, e: Tensor) -> Tensor:
        """Join features x and embedding e; if mixed, as x · (1 − s) and e · s."""
        x = x.to(e.dtype)  # under autocast, x may be bfloat16
        s = None if self.mixing is None else self.mixing.sigmoid()
        if self.concatenates:
            return torch.cat([x, e] if s is None else [x * (1 - s), e * s], -1)
        e = functional.pad(e, (x.shape[-1] - e.shape[-1], 0))
        return x + e if s is None else torch.lerp(x, e, s)

    def heads(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the outputs of the network, in float32 even under autocast.

        Args:
            y: Outputs of the memory [..., D].

        Returns:
            Logits [..., A] and values [...].
        """
        y = self.postprocessor(y)
        logits = self._with_scales(self.actor_head(self.actor(y)))
        value = self.critic_head(self.critic(y)).squeeze(-1)
        return _at_least_float32(logits), _at_least_float32(value)

    def _with_scales(self, means: Tensor) -> Tensor:
        """Append the logarithms of the standard deviations, if they are parameters."""
        if self.log_std is None:
            return means
        scales = (LOG_STD_UNIT * self.log_std).clamp(*LOG_STD_RANGE).to(means.dtype)
        return torch.cat([means, scales.expand(*means.shape[:-1], -1)], -1)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _linear(input_size: int, output_size: int) -> Linear:
    layer = Linear(input_size, output_size)
    nn.init.orthogonal_(layer.weight)
    return layer


def _head(input_size: int, output_size: int) -> Linear:
    layer = Linear(input_size, output_size)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer


def _build(
    name: str, layers: Layers, input_size: int, output_size: int | None
) -> tuple[nn.Module, int]:
    """Build the part ``name``, check its output size, and return both."""
    if isinstance(layers, nn.Module):
        module = copy.deepcopy(layers)
        found = _output_size(name, module, input_size)
        fits = output_size in (None, found)
    else:
        sizes = [input_size, *layers]
        steps = [part for a, b in pairwise(sizes) for part in (_linear(a, b), nn.LeakyReLU())]
        module = nn.Sequential(*steps) if steps else nn.Identity()
        found = sizes[-1]
        # Layer sizes determine the output size. An option that contradicts them is still an error.
        fits = output_size in (None, found, DEFAULT_OUTPUT_SIZE)
    if not fits:
        option = "preprocessor" if name == "preprocessor" else "postprocessor"
        raise ValueError(
            f"the {name} turns {input_size} features into {found}, but "
            f"{option}_output_size is {output_size}; set it to {found}"
        )
    return module, found


def _output_size(name: str, module: nn.Module, input_size: int) -> int:
    """Return the output size of a module, found by running it on one step of zeros.

    It runs on a copy, because forward may change buffers.
    """
    like = next(iter(module.parameters()), torch.empty(0))
    probe = torch.zeros(1, 1, input_size, dtype=like.dtype, device=like.device)
    try:
        with torch.no_grad():
            return copy.deepcopy(module).eval()(probe).shape[-1]
    except Exception as error:
        raise ValueError(
            f"the {name} given does not take features [B, T, {input_size}]: {error}"
        ) from error
