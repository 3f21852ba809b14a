"""The contract every memory obeys.

A memory is a function: inputs, a state and episode starts in; outputs and the next state out.
Nothing is remembered inside the module, so one module can act for any number of environments and
learn from any number of rollouts at once. ``popgym.testing.check_memory`` tests the laws that
follow from this contract.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.call_checks import check_start, check_state, check_x

MemoryState = tuple[Tensor, ...]
"""A NamedTuple of tensors [B, ...]; empty for a memory that keeps nothing."""


class Source(NamedTuple):
    """The publication that introduced a memory."""

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
    """A sequence model with its state in the signature.

    ::

        memory = TemporalConv(input_size=128, hidden_size=256)
        state = memory.initial_state(batch_size)
        y, state = memory(x, state, start)  # x [B, T, F], start [B, T] or None -> y [B, T, D]

    A subclass takes ``(input_size, hidden_size, **options)``, hands both sizes to this class, and
    writes ``initial_state`` and ``forward``.
    """

    source: ClassVar[Source | str] = ""
    """Where the memory was published; a string where it is no publication."""

    input_size: int
    """F, the features of an input."""

    output_size: int
    """D, the features of an output; equal to ``hidden_size``."""

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

        Args:
            batch_size: rows B.

        Returns:
            A NamedTuple of tensors [B, ...] with the device and dtype of the parameters.

        Raises:
            ValueError: there are less than no rows.
            TypeError: ``batch_size`` is no integer.
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
    def state_numel(self) -> int:
        """Numbers kept for each environment."""
        return sum(field.numel() for field in self.initial_state(1))

    @property
    def receptive_field(self) -> int | None:
        """How many inputs an output depends on, its own included; None: no bound."""
        return None

    def check_arguments(self, x: Tensor, state: Any, start: Tensor | None) -> None:
        """Refuse what ``forward`` cannot read; compares shapes and types, never values.

        Raises:
            ValueError: a shape or a device does not fit.
            TypeError: a dtype does not fit, or the state belongs to another memory.
        """
        check_x(x, self.input_size, next(self.parameters(), None))
        # with no rows: the shapes and types at no cost
        check_state(state, self.initial_state(0), x, type(self).__name__)
        if start is not None:
            check_start(start, x)


def _refusing(initial_state: Callable[..., Any]) -> Callable[..., Any]:
    """``initial_state``, which a subclass writes without a thought for what is no batch size."""

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

    Raises:
        TypeError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value


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
