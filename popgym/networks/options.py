"""Options of the layers around a memory. They are checked before any layer is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import nn

from popgym.core.arguments import check_known
from popgym.memory.base import check_size
from popgym.networks.pictures import check_encoder

Layers = nn.Module | Sequence[int]

DEFAULT_OUTPUT_SIZE = 256

LOG_STD_RANGE = (-5.0, 2.0)
"""Bounds of the logarithm of a standard deviation, in units of half the range of the action."""

DEFAULT_MAX_STEPS = 1024
"""Unit of the time embedding if the length of an episode is unknown."""


@dataclass(frozen=True)
class NetworkOptions:
    """Options of the layers around a memory.

    Each of ``preprocessor``, ``postprocessor``, ``actor`` and ``critic`` is either a sequence of
    layer sizes or a module. Each layer size makes a Linear and a LeakyReLU, so that () is the
    identity. A module must map [..., inputs] to [..., outputs]; it is copied, weights included.
    """

    hidden_size: int = 256
    """Features D of the memory's output."""
    preprocessor_input_size: int = 256
    """Features of the preprocessor's input, including a concatenated embedding."""
    preprocessor: Layers = ()
    preprocessor_output_size: int = DEFAULT_OUTPUT_SIZE
    """Features F of ``z``. If ``preprocessor`` is a module, this must be its output size."""
    postprocessor: Layers = ()
    actor: Layers | None = None
    """None: one layer of ``postprocessor_output_size``."""
    critic: Layers | None = None
    """None: one layer of ``postprocessor_output_size``."""
    postprocessor_output_size: int = DEFAULT_OUTPUT_SIZE
    """Output size of ``actor`` and ``critic``. If one is a module, this must be its output size."""
    encoder: str = "auto"
    """Encoder of pictures: mnih, small, auto (by size), or none to flatten them."""
    initial_log_std: float = 0.0
    """Initial logarithm of the standard deviation of real actions, whose bounds are mapped to
    [-1, 1]."""
    state_dependent_std: bool = False
    """Whether the actor computes that logarithm at each step. Otherwise it is one parameter for
    each number of the action."""
    embedding: str | None = None
    """Name of the embedding of the step within the episode; None or "none" for no embedding."""
    embedding_size: int | None = None
    """Number of features of the embedding. It occupies the last features. None: all features."""
    embedding_mode: str = "add"
    """How the embedding joins the observation's features: "add" adds the two, "cat" concatenates
    them. With "cat" the observation gets ``embedding_size`` fewer features."""
    scale_embedding: bool = True
    """Whether a learned weight s mixes the two, as features · (1 − s) and embedding · s."""
    embedding_max_steps: int | None = None
    """Unit of the embedding, ``max_steps`` of ``make_embedding``. Longer episodes are allowed.
    None: ``DEFAULT_MAX_STEPS``, or the default of RLlib or the run that builds the network."""

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if field.type == "int"):
            check_size(name, getattr(self, name))
        check_encoder(self.encoder)
        for name in ("preprocessor", "postprocessor", "actor", "critic"):
            if not (name in ("actor", "critic") and getattr(self, name) is None):
                _check_layers(name, getattr(self, name))
        for name in ("scale_embedding", "state_dependent_std"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be a bool, got {getattr(self, name)!r}")
        _check_log_std(self.initial_log_std)
        if self.embedding_max_steps is not None:
            check_size("embedding_max_steps", self.embedding_max_steps)
        self._check_embedding()

    def _check_embedding(self) -> None:
        if self.embedding_mode not in ("add", "cat"):
            raise ValueError(f'embedding_mode must be "add" or "cat", got {self.embedding_mode!r}')
        if not self.has_embedding:
            return
        size, width = self.embedding_size, self.preprocessor_input_size
        if size is None:
            if self.embedding_mode == "cat":
                raise ValueError(
                    'embedding_mode "cat" needs embedding_size, the number of features of the '
                    "embedding; set it"
                )
            return
        check_size("embedding_size", size)
        if size > width or (size == width and self.embedding_mode == "cat"):
            raise ValueError(
                f"embedding_size {size} leaves no room for the observation in "
                f"preprocessor_input_size {width}; make it smaller"
            )

    @property
    def has_embedding(self) -> bool:
        """Whether the step within the episode is embedded."""
        return self.embedding not in (None, "none")

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> NetworkOptions:
        """Return the options given by name.

        Raises:
            ValueError: If a name is unknown (the message suggests the nearest), or a value is out
                of range.
            TypeError: If a value has the wrong type.
        """
        check_known(options, (field.name for field in fields(cls)), "option")
        return cls(**options)


def _check_log_std(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"initial_log_std must be a number, got {value!r}")
    if not LOG_STD_RANGE[0] <= value <= LOG_STD_RANGE[1]:
        low, high = LOG_STD_RANGE
        raise ValueError(f"initial_log_std must be at least {low} and at most {high}, got {value}")


def _check_layers(name: str, layers: Any) -> None:
    if isinstance(layers, nn.Module):
        return
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise TypeError(f"{name} must be a module or a list of layer sizes, got {layers!r}")
    for size in layers:
        check_size(f"every layer size of {name}", size)
