"""The contract every memory obeys.

A memory is a function: inputs, a state and episode starts in; outputs and the next state out.
Nothing is remembered inside the module, so one module can act for any number of environments and
learn from any number of rollouts at once. ``popgym.testing.check_memory`` tests the laws that
follow from this contract.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

MemoryState = tuple[Tensor, ...]
"""A NamedTuple of tensors [B, ...]; empty for a memory that keeps nothing."""


class Memory(nn.Module, ABC):
    """A sequence model with its state in the signature.

    ::

        memory = TemporalConv(input_size=128, hidden_size=256)
        state = memory.initial_state(batch_size)
        y, state = memory(x, state, start)  # x [B, T, F], start [B, T] or None -> y [B, T, D]

    A subclass takes ``(input_size, hidden_size, **options)``, hands both sizes to this class, and
    writes ``initial_state`` and ``forward``.
    """

    source: ClassVar[str] = ""
    """Where the memory was published: authors, title, year, address."""

    input_size: int
    """F, the features of an input."""

    output_size: int
    """D, the features of an output; equal to ``hidden_size``."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = check_size("input_size", input_size)
        self.output_size = check_size("hidden_size", hidden_size)

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """Return the state before the first step of an episode: zeros.

        Args:
            batch_size: rows B.

        Returns:
            A NamedTuple of tensors [B, ...] with the device and dtype of the parameters.
        """

    @abstractmethod
    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Read T steps of B independent rows.

        Args:
            x: inputs [B, T, F].
            state: what ``initial_state`` or an earlier call returned. It is never written to.
            start: [B, T] bool, or None where no episode begins. ``start[b, t]`` says that step t
                is the first of an episode: the state of row b before it is the initial state.

        Returns:
            Outputs [B, T, D], and the state after the last step.

        Raises:
            ValueError: a shape or a device does not fit.
            TypeError: a dtype does not fit, or the state belongs to another memory.
        """

    @property
    def state_size(self) -> int:
        """Numbers kept for each environment."""
        return sum(field.numel() for field in self.initial_state(1))

    @property
    def reach(self) -> int | None:
        """How many steps back an output can see; 0: only its own input, None: no bound."""
        return None

    def check_arguments(self, x: Tensor, state: Any, start: Tensor | None) -> None:
        """Refuse what ``forward`` cannot read; compares shapes and types, never values.

        Raises:
            ValueError: a shape or a device does not fit.
            TypeError: a dtype does not fit, or the state belongs to another memory.
        """
        self._check_x(x)
        self._check_state(state, x)
        if start is not None:
            _check_start(start, x)

    def _check_x(self, x: Tensor) -> None:
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a tensor [B, T, F], got {type(x).__name__}")
        if x.dim() != 3 or x.shape[2] != self.input_size:
            raise ValueError(
                f"x must be [B, T, F] with F = input_size = {self.input_size}, got {list(x.shape)}"
            )
        if x.shape[0] == 0 or x.shape[1] == 0:
            raise ValueError(f"x must hold at least one row and one step, got {list(x.shape)}")
        weight = next(self.parameters(), None)
        if weight is None:
            return
        if x.device != weight.device:
            raise ValueError(
                f"x is on {x.device} and the memory on {weight.device}: move one with .to(...)"
            )
        if x.dtype != weight.dtype and not _autocasts(x):
            raise TypeError(
                f"x is {x.dtype} and the memory's parameters are {weight.dtype}: "
                "convert one with .to(...), or use torch.autocast"
            )

    def _check_state(self, state: Any, x: Tensor) -> None:
        # with no rows: the shapes and types at no cost
        expected = self.initial_state(0)
        if type(state) is not type(expected):
            raise TypeError(
                f"the state of {type(self).__name__} is a {type(expected).__name__}, got a "
                f"{type(state).__name__}: start from initial_state(batch_size)"
            )
        for name, want, got in zip(expected._fields, expected, state, strict=True):
            if not isinstance(got, Tensor):
                raise TypeError(f"state.{name} must be a tensor, got {type(got).__name__}")
            shape = (x.shape[0], *want.shape[1:])
            if got.shape != shape:
                raise ValueError(
                    f"state.{name} must be {list(shape)} for x of {list(x.shape)}, "
                    f"got {list(got.shape)}"
                )
            if got.dtype != want.dtype:
                raise TypeError(f"state.{name} must be {want.dtype}, got {got.dtype}")
            if got.device != x.device:
                raise ValueError(f"state.{name} must be on {x.device} as x is, got {got.device}")


def check_size(name: str, value: int) -> int:
    """Return ``value`` if it is an integer of at least 1.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def _check_start(start: Tensor, x: Tensor) -> None:
    if not isinstance(start, Tensor) or start.dtype != torch.bool:
        kind = start.dtype if isinstance(start, Tensor) else type(start).__name__
        raise TypeError(f"start must be a tensor of torch.bool or None, got {kind}")
    if start.shape != x.shape[:2]:
        raise ValueError(
            f"start must be {list(x.shape[:2])} for x of {list(x.shape)}, got {list(start.shape)}"
        )
    if start.device != x.device:
        raise ValueError(f"start must be on {x.device} as x is, got {start.device}")


def _autocasts(x: Tensor) -> bool:
    return x.is_floating_point() and torch.is_autocast_enabled(x.device.type)
