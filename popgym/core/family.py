"""What a family of environments declares: everything but the loop and the two faces."""

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
"""What a field of a record is: a numpy type, or (type, shape)."""


class Family:
    """A family with its arguments: one task.

    A subclass names its rules and presets and, in `__init__(self, **arguments)`, checks the
    arguments and sets the attributes below. The first line of its docstring is the line that
    tables show. All of the family's environments are computed from it.
    """

    rules: ClassVar[Rules]
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Difficulty → arguments of `__init__`."""
    versions: ClassVar[dict[str, dict[str, Any]]] = {}
    """Version beside v0, the published rules → arguments of `__init__` that make it, as in
    {"v1": {"off_centre": False}}. Versions mend defects; the docstring says which."""
    id_name: ClassVar[str] = ""
    """The name in the ids, where the published spelling is not the class's; both then work."""
    group: ClassVar[str] = ""
    """DIAGNOSTIC, CONTROL, NOISY, GAME or NAVIGATION; of popgym's own families."""
    obs_requires_prev_action: ClassVar[bool] = False
    """Whether an agent must be shown its previous action to play well."""
    clips_actions: ClassVar[bool] = False
    """Whether the rules clip Box actions, so that those outside the bounds are legal."""
    action_names: ClassVar[tuple[str, ...]] = ()
    """What the actions of a Discrete are called, from the first on. Of a Box of one number: what
    the least, 0 and the greatest are called."""
    render_fps: ClassVar[int] = 4
    """How many steps a second a person watches."""
    views: ClassVar[dict[str, Callable[[Any, Record], Any]]] = {}
    """Attributes that single environments show, as those of POPGym 1 did: name → what makes
    the value, in a copy, of the task and the environment's record."""

    observation_space: Space
    action_space: Space
    state_space: Space
    max_episode_length: int
    return_bounds: tuple[float, float]
    """The least and greatest sum of rewards over an episode."""
    params: dict[str, Any]
    """Numbers (or arrays) that the rules read as `p.name`."""
    fields: dict[str, FieldType]
    """What one environment remembers, `s.name` in the rules."""
    hidden: dict[str, HiddenField]
    """What a reset draws, by the name of the field that holds it."""
    text_board: TextBoard | None = None
    """The board in the text picture, where each action names a square of one."""
    picture_size: tuple[int, int] = (480, 320)
    """The width and height of what `paint` draws, in pixels; the same for all of a task's steps."""

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Refuses hidden draws whose fields are right each by itself but not together.

        Args:
            hidden: Checked values by key, [n, ...].

        Raises:
            ValueError: Says what is allowed.
        """

    def state(self, records: np.ndarray) -> Any:
        """The hidden Markov state of the environments of `records` [n], as a batch."""
        raise NotImplementedError

    def draw(self, record: Record, reveal: bool = False) -> str:
        """A text picture of one environment: what its player sees.

        Args:
            record: The environment's.
            reveal: Whether to show also what is hidden from the player.
        """
        raise NotImplementedError

    def paint(self, canvas: "Canvas", record: Record, reveal: bool = False) -> None:
        """Draws a picture of one environment: what its player sees.

        Args:
            canvas: Empty, of the size `picture_size`.
            record: The environment's; also one that was never reset, all of whose fields are 0.
            reveal: Whether to show also what is hidden from the player.

        Raises:
            NotImplementedError: The family draws no pictures.
        """
        raise NotImplementedError(
            f"{type(self).__name__} draws no pictures: give it a method "
            "paint(self, canvas, record, reveal=False), or use its text, render_mode='ansi'"
        )

    def memory_needed(self) -> int | None:
        """How many steps back an agent must see to play perfectly; None if unknown."""
        return None

    @classmethod
    def description(cls) -> str:
        """What the task is, in one line."""
        return (cls.__doc__ or "").strip().split("\n")[0]

    def record_type(self) -> np.dtype:
        """The record of one environment: its random stream and its fields."""
        fields = [
            (name, *kind) if isinstance(kind, tuple) else (name, kind)
            for name, kind in self.fields.items()
        ]
        return the_same(np.dtype([("rng", np.uint64), *fields], align=True))

    def params_record(self) -> np.ndarray:
        """The parameters as an array of one record."""
        values = {name: np.asarray(value) for name, value in self.params.items()}
        kinds = [(name, value.dtype, value.shape) for name, value in values.items()]
        return np.array([tuple(values.values())], the_same(np.dtype(kinds)))


@functools.cache
def the_same(kind: np.dtype) -> np.dtype:
    """The first type that equals this one: numba knows records by their type's identity sooner."""
    return kind
