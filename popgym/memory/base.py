"""The base class of all memories.

A memory is a function. It takes inputs, a state and an episode start mask, and returns outputs and
the next state. The module itself stores no state. Therefore one module can act in any number of
environments and learn from any number of rollouts at the same time.
``popgym.testing.check_memory`` tests the laws that follow from this.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.core.arguments import readable
from popgym.memory.call_checks import check_start, check_state, check_x

_LARGEST = 2**31 - 1  # of a size; torch reports larger ones in terms of its own code

MemoryState = tuple[Tensor, ...]
"""A NamedTuple of tensors [B, ...]; empty for a memory without state."""


class Source(NamedTuple):
    """The publication that describes a memory."""

    authors: str
    """"A", "A and B", "A, B and C", or "A et al."."""

    title: str

    year: int

    url: str

    @property
    def short(self) -> str:
        """The first author, or both of two, and the year: "Cho et al. 2014"."""
        first, *others = self.authors.replace(" and ", ", ").split(", ")
        return f"{first} et al. {self.year}" if len(others) > 1 else f"{self.authors} {self.year}"

    def __str__(self) -> str:
        """Return "authors, title, year, url"."""
        return f"{self.authors}, {self.title}, {self.year}, {self.url}"


class Memory(nn.Module, ABC):
    """A sequence model that takes a state and returns the next one.

    ::

        memory = TemporalConv(input_size=128, hidden_size=256)
        state = memory.initial_state(batch_size)
        y, state = memory(x, state, start)  # x [B, T, F], start [B, T] or None -> y [B, T, D]

    The constructor of a subclass takes ``(input_size, hidden_size, **options)`` and passes both
    sizes to this class, which checks them. A subclass implements ``initial_state`` and ``forward``.
    """

    source: ClassVar[Source | str] = ""
    """Where the memory was published. A string may describe any other origin."""

    input_size: int
    """Number of input features, F."""

    output_size: int
    """Number of output features, D; equal to ``hidden_size``."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = check_size("input_size", input_size)
        self.output_size = check_size("hidden_size", hidden_size)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "initial_state" in vars(cls):
            setattr(cls, "initial_state", _refusing(cls.initial_state))  # noqa: B010 (mypy)

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """Return the state before the first step of an episode: zeros.

        A subclass does not need to validate ``batch_size``.

        Args:
            batch_size: Number of rows, B; may be 0.

        Returns:
            A NamedTuple of tensors [B, ...] with the device and dtype of the parameters.

        Raises:
            ValueError: If ``batch_size`` is negative.
            TypeError: If ``batch_size`` is not an integer.
        """

    @abstractmethod
    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Compute the outputs of T steps in B independent rows.

        Args:
            x: Inputs [B, T, F].
            state: The state that ``initial_state`` or an earlier call returned. It is not modified.
            start: Episode start mask, bool [B, T]; None if no episode starts. If ``start[b, t]`` is
                True, step t is the first of an episode, and row b is reset to the initial state
                before this step.

        Returns:
            Outputs [B, T, D], and the state after the last step.

        Raises:
            ValueError: If a shape or a device does not match.
            TypeError: If a dtype does not match, or if the state belongs to another memory.
        """

    @property
    def state_numel(self) -> int:
        """Size of the state of one environment, in numbers."""
        return sum(field.numel() for field in self.initial_state(1))

    @property
    def receptive_field(self) -> int | None:
        """Number of inputs an output depends on, including the current one. None means no bound."""
        return None

    def check_arguments(self, x: Tensor, state: Any, start: Tensor | None) -> None:
        """Check the arguments of ``forward``: shapes, devices and types, but not values.

        Args:
            x: Inputs, expected to be [B, T, F].
            state: State, expected to be one of this memory with B rows.
            start: Episode start mask, expected to be bool [B, T], or None.

        Raises:
            ValueError: If a shape or a device does not match.
            TypeError: If a dtype does not match, or if the state belongs to another memory.
        """
        check_x(x, self.input_size, next(self.parameters(), None))
        # a state of 0 rows has the expected shapes and types, but costs almost nothing
        check_state(state, self.initial_state(0), x, type(self).__name__)
        if start is not None:
            check_start(start, x)


def _refusing(initial_state: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a subclass's ``initial_state`` to validate ``batch_size`` first."""

    @wraps(initial_state)
    def checked(self: Memory, *args: Any, **kwargs: Any) -> Any:
        batch_size = args[0] if args else kwargs.get("batch_size", 0)
        if isinstance(batch_size, bool) or not isinstance(batch_size, (Integral, torch.SymInt)):
            raise TypeError(f"batch_size must be an integer, got {batch_size!r}")
        if batch_size < 0:
            raise ValueError(f"batch_size must be at least 0, got {batch_size}")
        return initial_state(self, *args, **kwargs)

    return checked


def check_number(name: str, value: float) -> float:
    """Return ``value`` if it is a number.

    Args:
        name: Name of the option, for the error message.
        value: Value of the option.

    Raises:
        TypeError: If ``value`` is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value


def check_size(name: str, value: int) -> int:
    """Return ``value`` if it is an integer of at least 1.

    Args:
        name: Name of the option, for the error message.
        value: Value of the option.

    Raises:
        TypeError: If ``value`` is not an integer.
        ValueError: If ``value`` is less than 1, or too large for any memory.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if not 1 <= value <= _LARGEST:
        limit = "at least 1" if value < 1 else f"at most {_LARGEST:,}"
        raise ValueError(f"{name} must be {limit}, got {readable(value)}")
    return value
