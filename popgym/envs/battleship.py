"""Sink the ships on a board that is never shown."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Tuple

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.hidden import Flags
from popgym.core.kernel import Rules
from popgym.core.random import integer
from popgym.core.rules import Record, rule
from popgym.envs.pictures.boards import SIZE, Board
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import PURPLE, RED, SKY, WHITE
from popgym.render.text import TextBoard

SHIPS = (2, 3, 3, 4)


@rule
def sample(s: Record, p: Record) -> None:
    """Place the ships one by one."""
    s.ships[:] = 0
    for i in range(len(p.ship_sizes)):
        place_ship(s, p.ship_sizes[i])


@rule
def place_ship(s: Record, size: int) -> None:
    """Place a ship at random where it is on the board and overlaps no other ship.

    All such places are equally likely, because places that do not fit are rejected.
    """
    side, reach = len(s.ships), size - 1
    while True:
        y, x, way = integer(s, side), integer(s, side), integer(s, 4)
        dy = 1 - 2 * way if way < 2 else 0
        dx = 5 - 2 * way if way > 1 else 0
        if 0 <= y + dy * reach < side and 0 <= x + dx * reach < side:
            taken = 0
            for i in range(size):
                taken += s.ships[y + i * dy, x + i * dx]
            if taken == 0:
                for i in range(size):
                    s.ships[y + i * dy, x + i * dx] = 1
                return


@rule
def reset(s: Record, p: Record) -> None:
    """Clear all shots."""
    s.shots[:] = 0
    s.hits = s.steps = s.hit = 0


@rule
def step(s: Record, p: Record, square: Any) -> Any:
    """Fire at a square."""
    y, x = square[0], square[1]
    s.hit = s.ships[y, x] * (1 - s.shots[y, x])
    s.shots[y, x] = 1
    s.target[0], s.target[1] = y, x
    s.hits += s.hit
    s.steps += 1
    return p.hit if s.hit else p.miss, s.hits == p.afloat, s.steps >= p.squares


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write whether the last shot hit; 0 before the first shot."""
    obs[0] = s.hit


class BattleshipFamily(Family):
    """Each step fires at a square and shows whether it newly hit a ship; sink them all.

    With n squares, m of them covered by ships, a hit earns 1 / m. A shot at water or at a square
    hit before earns −1 / (n − m). The episode terminates when all ships are sunk and is truncated
    after n shots; if the last shot sinks the last ship, both happen. Ships lie along rows or
    columns. They may touch, but never overlap.

    Args:
        board_size: The number of rows and of columns of the board.
        ship_sizes: The lengths of the ships, in the order in which they are placed.

    The random players were run for 4,000 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"board_size": 8},
        "Medium": {"board_size": 10},
        "Hard": {"board_size": 12},
    }
    group = "GAME"
    obs_requires_prev_action = True
    views: ClassVar = {
        "board": lambda task, s: s["ships"].copy(),
        "guesses": lambda task, s: s["shots"].copy(),
    }
    picture_size = SIZE

    def __init__(self, board_size: int = 10, ship_sizes: Sequence[int] = SHIPS) -> None:
        side = self.board_size = whole_number("board_size", board_size, 2)
        self.ship_sizes = check_ships(ship_sizes, side)
        squares, afloat = side**2, sum(self.ship_sizes)
        board = MultiDiscrete(np.full((side, side), 2))
        self.observation_space = Discrete(2)
        self.action_space = MultiDiscrete([side, side])
        self.text_board = TextBoard(side)
        self.state_space = Tuple((board, board, Discrete(2)))
        self.max_episode_length = squares
        miss = -1 / (squares - afloat)
        self.return_bounds = (squares * miss, 1.0)
        self.params = {"ship_sizes": np.array(self.ship_sizes), "squares": squares}
        self.params.update(afloat=afloat, hit=1 / afloat, miss=miss)
        self.fields = {"ships": (np.int8, (side, side)), "shots": (np.int8, (side, side))}
        self.fields.update(target=(np.int32, (2,)), hits=np.int32, steps=np.int32, hit=np.int8)
        self.hidden = {"ships": Flags((side, side))}

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that each board is made of the task's ships.

        Args:
            hidden: The values of each hidden field, [n, ...].

        Raises:
            ValueError: If a board cannot be covered by ships of these sizes.
        """
        for board in hidden["ships"]:
            if not made_of(board.astype(bool), self.ship_sizes):
                raise ValueError(
                    "hidden['ships'] must be straight ships along rows or columns, of "
                    f"{', '.join(map(str, self.ship_sizes))} squares, without overlap, got\n"
                    f"{board.astype(int)}"
                )

    def state(self, records: np.ndarray) -> Any:
        """Return the squares with ships, the squares fired at, and whether the last shot hit."""
        return tuple(records[key].astype(np.int64) for key in ("ships", "shots", "hit"))

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the last shot on the board; with ``reveal`` also all shots and the ships."""
        ships, shots, steps = record["ships"], record["shots"], record["steps"]
        squares = np.array(["·", "☐", "⚬", "☒"])[(ships + 2 * shots) * reveal]
        told = f"step {steps} of {self.max_episode_length}"
        if steps > 0:
            y, x = record["target"].tolist()
            squares[y, x] = "☒" if record["hit"] else "⚬"
            told += f"   row {y}, column {x}: {'hit' if record['hit'] else 'no new hit'}"
        return "\n".join([*(" ".join(row) for row in squares), told])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the last shot on the board; with ``reveal`` also all shots and the ships."""
        ships, shots, steps = record["ships"], record["shots"], record["steps"].item()
        last = tuple(record["target"].tolist()) if steps > 0 else None
        told = ("hit" if record["hit"] else "no new hit") if last else ""
        progress(canvas, f"shot {steps} of {len(ships) ** 2}", steps, len(ships) ** 2, told)
        board = Board(*ships.shape)
        board.number(canvas)
        for y, x in np.ndindex(ships.shape):
            fired = (y, x) == last or (reveal and shots[y, x])
            hit = fired and (record["hit"] if (y, x) == last else ships[y, x])
            ship = reveal and ships[y, x]
            board.square(canvas, y, x, RED if hit else PURPLE if ship else SKY)
            if hit:
                board.cross(canvas, y, x, WHITE)
            elif fired:
                board.disc(canvas, y, x, 0.35, WHITE)
        if last:
            board.frame(canvas, *last)


def check_ships(ship_sizes: Any, side: int) -> tuple[int, ...]:
    """Check that ships can always be placed one by one, and return their lengths.

    Each row has room for side // size ships of this size side by side. A square that is taken
    blocks at most one of these places on the board.

    Args:
        ship_sizes: The lengths of the ships, as given by the user.
        side: The number of rows and of columns of the board.

    Returns:
        The lengths as a tuple.

    Raises:
        ValueError: If the lengths are not whole numbers, if there may be no room for one of the
            ships, or if no square is left for water.
    """
    if not isinstance(ship_sizes, (Sequence, np.ndarray)) or len(ship_sizes) == 0:
        raise ValueError(f"ship_sizes must be a list of whole numbers, got {ship_sizes!r}")
    sizes = tuple(whole_number("each of ship_sizes", n, 1, side) for n in ship_sizes)
    for i, size in enumerate(sizes):
        if sum(sizes[:i]) >= side * (side // size):
            raise ValueError(
                f"ship_sizes {list(sizes)} may leave no room for a ship of {size} on a board of "
                f"{side} × {side}: give fewer or smaller ships, the largest first, or enlarge "
                "the board"
            )
    if sum(sizes) == side**2:
        raise ValueError(f"ship_sizes {list(sizes)} leave no water on a board of {side} × {side}")
    return sizes


def made_of(board: np.ndarray, sizes: tuple[int, ...]) -> bool:
    """Return whether the True squares of a board are straight ships of these sizes."""
    if board.sum() != sum(sizes):
        return False
    if not sizes:
        return True
    y, x = np.argwhere(board)[0]  # the first ship begins here, going right or down
    for size in set(sizes):
        rest = list(sizes)
        rest.remove(size)
        for squares in ((y, slice(x, x + size)), (slice(y, y + size), x)):
            without = board.copy()
            without[squares] = False
            if without.sum() == sum(rest) and made_of(without, tuple(rest)):
                return True
    return False
