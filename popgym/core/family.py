"""The declaration of a family of environments.

A family declares everything except the loop over environments and the two environment classes.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Space

from popgym.core.hidden import HiddenField
from popgym.core.kernel import Rules
from popgym.core.rules import Record
from popgym.render.text import TextBoard

if TYPE_CHECKING:
    from popgym.render.canvas import Canvas

FieldType = Any
"""The type of a record's field: a numpy type, or (type, shape)."""


class Family:
    """Base class of families of environments; an instance is one task, a family with arguments.

    A subclass sets its rules and presets. Its ``__init__(self, **arguments)`` checks the arguments
    and sets the attributes below. Tables show the first line of its docstring. All environment
    classes of the family are derived from this declaration.
    """

    rules: ClassVar[Rules]
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Difficulty → arguments of ``__init__``."""
    versions: ClassVar[dict[str, dict[str, Any]]] = {}
    """Version → its arguments of ``__init__``, as in {"v1": {"off_centre": False}}. Version v0, the
    published rules, is not listed. The other versions correct defects of v0; the docstring of the
    family says which."""
    id_name: ClassVar[str] = ""
    """The name in the ids, if its published spelling differs from the class name. Both names then
    work."""
    group: ClassVar[str] = ""
    """DIAGNOSTIC, CONTROL, NOISY, GAME or NAVIGATION; only for popgym's own families."""
    obs_requires_prev_action: ClassVar[bool] = False
    """Whether an agent needs its previous action as an input to play well."""
    clips_actions: ClassVar[bool] = False
    """Whether the rules clip Box actions, so that actions outside the bounds are legal."""
    action_names: ClassVar[tuple[str, ...]] = ()
    """The names of the actions of a Discrete, in order. For a Box of one number: the names of the
    lowest action, of 0 and of the highest action."""
    render_fps: ClassVar[int] = 4
    """The number of steps shown per second."""
    views: ClassVar[dict[str, Callable[[Any, Record], Any]]] = {}
    """Attributes of single environments that POPGym 1 had, too: name → a function that computes
    the value, a copy, from the task and the environment's record."""

    observation_space: Space
    action_space: Space
    state_space: Space
    max_episode_length: int
    return_bounds: tuple[float, float]
    """The lowest and highest return, the sum of rewards over an episode."""
    params: dict[str, Any]
    """Numbers or arrays that the rules read as ``p.name``."""
    fields: dict[str, FieldType]
    """The fields of one environment's record, ``s.name`` in the rules."""
    hidden: dict[str, HiddenField]
    """The hidden initial state that a reset draws: name of the record's field → allowed values."""
    text_board: TextBoard | None = None
    """The board in the text picture, if each action selects a square of a board."""
    picture_size: tuple[int, int] = (480, 320)
    """The width and height of the pictures that ``paint`` draws, in pixels; constant for a task."""

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that the fields of a user's hidden initial state are consistent with each other.

        Args:
            hidden: The values by key, [n, ...]. Each field by itself has already been checked.

        Raises:
            ValueError: If they are not consistent; the message says what is allowed.
        """

    def state(self, records: np.ndarray) -> Any:
        """Return the hidden Markov states of the environments of ``records`` [n], as a batch."""
        raise NotImplementedError

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Return the player's view of one environment as text.

        Args:
            record: The environment's record.
            reveal: Whether to show what is hidden from the player, too.
        """
        raise NotImplementedError

    def paint(self, canvas: "Canvas", record: Record, reveal: bool = False) -> None:
        """Draw the player's view of one environment on a canvas.

        Args:
            canvas: An empty canvas of the size ``picture_size``.
            record: The environment's record. Before the first reset all its fields are zero, and
                it must be possible to draw it.
            reveal: Whether to show what is hidden from the player, too.

        Raises:
            NotImplementedError: If the family draws no pictures.
        """
        raise NotImplementedError(
            f"{type(self).__name__} draws no pictures: give it a method "
            "paint(self, canvas, record, reveal=False), or use its text, render_mode='ansi'"
        )

    def memory_needed(self) -> int | None:
        """Return the number of past steps needed for perfect play; None if it is unknown."""
        return None

    @classmethod
    def description(cls) -> str:
        """Return the description of the task in one line."""
        return (cls.__doc__ or "").strip().split("\n")[0]

    def record_type(self) -> np.dtype:
        """Return the type of one environment's record: its random stream and its fields."""
        fields = [
            (name, *kind) if isinstance(kind, tuple) else (name, kind)
            for name, kind in self.fields.items()
        ]
        return the_same(np.dtype([("rng", np.uint64), *fields], align=True))

    def params_record(self) -> np.ndarray:
        """Return the parameters as an array of one record."""
        values = {name: np.asarray(value) for name, value in self.params.items()}
        kinds = [(name, value.dtype, value.shape) for name, value in values.items()]
        return np.array([tuple(values.values())], the_same(np.dtype(kinds)))


@functools.cache
def the_same(kind: np.dtype) -> np.dtype:
    """Return the first type equal to this one; numba looks record types up faster by identity."""
    return kind
