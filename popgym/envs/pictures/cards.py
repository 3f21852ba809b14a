"""Parts of pictures of card games: cards, the question, the answers.

Cards are drawn by the names of their kinds, as in ``popgym.core.cards.KINDS``. So a picture shows
only what the player observes of a card: the colour, the suit or the rank. Suits are drawn as shapes
because Pillow's font has no characters for them.
"""

import math
from collections.abc import Callable, Sequence

from popgym.core.cards import COLORS, SUITS
from popgym.envs.pictures.heading import MARGIN
from popgym.render.canvas import Canvas, Point
from popgym.render.palette import BLUE, GREY, INK, LILAC, PURPLE, RED, SKY, WHITE, YELLOW, Color

SIZE = (480, 320)
"""The size of a picture with one question at a time."""
CARD_Y = 128
"""The distance of the cards' centres from the top of such a picture."""
HEIGHT = 96
"""The height of its cards."""
SLIM = 0.7
"""The width of a card as a share of its height."""


def face(
    canvas: Canvas, x: float, y: float, height: float, name: str,
    ground: Color = WHITE, edge: Color = GREY,
) -> None:  # fmt: skip
    """Paint a card around (x, y) that lies face up."""
    width = SLIM * height
    box = (x - width / 2, y - height / 2, width, height)
    canvas.rectangle(*box, ground, edge, 0.08 * height)
    symbol(canvas, x, y, 0.45 * height, name)
    if height >= 80:
        for side in (-1, 1):
            at = (x + 0.34 * side * width, y + 0.38 * side * height)
            symbol(canvas, *at, 0.13 * height, name)


def back(canvas: Canvas, x: float, y: float, height: float, mark: str = "") -> None:
    """Paint a card around (x, y) that lies face down, with a text on its back."""
    width, radius, rim = SLIM * height, 0.08 * height, 0.07 * height
    left, top = x - width / 2, y - height / 2
    canvas.rectangle(left, top, width, height, BLUE, WHITE, radius)
    inner = (left + rim, top + rim, width - 2 * rim, height - 2 * rim)
    canvas.rectangle(*inner, None, SKY, radius / 2)
    canvas.text(x, y, mark, (0.45 if mark == "?" else 0.3) * height, WHITE)


def covered(
    canvas: Canvas, x: float, y: float, height: float, name: str, reveal: bool, mark: str = ""
) -> None:
    """Paint a card around (x, y) that lies face down, or its face in purple if ``reveal``."""
    if reveal:
        face(canvas, x, y, height, name, LILAC, PURPLE)
    else:
        back(canvas, x, y, height, mark)


def frame(canvas: Canvas, x: float, y: float, height: float) -> None:
    """Highlight a card around (x, y) by a frame; call this before the card is painted."""
    rim = max(2, 0.05 * height)
    width = SLIM * height + 2 * rim
    left, top = x - width / 2, y - height / 2 - rim
    canvas.rectangle(left, top, width, height + 2 * rim, YELLOW, None, 0.08 * height + rim)


def place(canvas: Canvas, x: float, y: float, height: float) -> None:
    """Paint an empty place for a card around (x, y)."""
    width = SLIM * height
    box = (x - width / 2, y - height / 2, width, height)
    canvas.rectangle(*box, None, GREY, 0.08 * height)


def question(canvas: Canvas, text: str) -> None:
    """Write the question, or other information, above the answers."""
    canvas.text(canvas.width / 2, canvas.height - 92, text, 20, INK)


def answers(canvas: Canvas, names: Sequence[str]) -> None:
    """Paint the possible answers at the bottom, each with the number of its action."""
    width, gap, height = 100, 10, 46
    left = (canvas.width - len(names) * (width + gap) + gap) / 2
    y = canvas.height - MARGIN - height / 2
    for i, name in enumerate(names):
        x = left + i * (width + gap)
        canvas.rectangle(x, y - height / 2, width, height, WHITE, GREY, 8)
        canvas.rectangle(x + 1, y - height / 2 + 1, 28, height - 2, SKY, None, 7)
        canvas.text(x + 15, y, str(i), 18, INK)
        symbol(canvas, x + 64, y, 28 if name in SHAPES else 20, name)


def since(canvas: Canvas, names: Sequence[str], asked: str | None, reveal: bool = False) -> None:
    """Paint a row of cards from an earlier card to the one in view, which alone is face up.

    Args:
        canvas: The canvas to draw on.
        names: The cards' kinds. If the row has no room for all, its middle is left out.
        asked: The label of the first card if it is the one asked about.
        reveal: Whether to show the kinds of the other cards too.
    """
    last, height = len(names) - 1, HEIGHT
    if not names:
        place(canvas, canvas.width / 2, CARD_Y, height)
    slots = list(range(len(names))) if last < 6 else [0, 1, None, last - 1, last]
    for slot, i in enumerate(slots):
        x = canvas.width / 2 + (slot - (len(slots) - 1) / 2) * (SLIM * height + 12)
        below, called = CARD_Y + height / 2 + 16, asked if i == 0 else None
        if i is None:
            canvas.text(x, CARD_Y, "…", 40, GREY)
            canvas.text(x, below, f"{last - 3} cards", 14, GREY)
            continue
        if called:
            frame(canvas, x, CARD_Y, height)
        if i < last:
            covered(canvas, x, CARD_Y, height, names[i], reveal, "?" if called else "")
            canvas.text(x, below, called or "", 15, INK)
        else:
            face(canvas, x, CARD_Y, height, names[i])
            canvas.text(x, below, "now", 15, INK)


def spread(canvas: Canvas, count: int, of: int, top: str | None) -> None:
    """Paint a pile of cards spread from left to right.

    Args:
        canvas: The canvas to draw on.
        count: The number of cards on the pile.
        of: The number of cards that the pile can hold.
        top: The kind of the last card if it is in view; if not, this is the card asked about.
    """
    left, room = MARGIN + SLIM * HEIGHT / 2 + 5, canvas.width - 2 * MARGIN - SLIM * HEIGHT - 10
    places = [left + room * i / (of - 1) for i in range(count)]
    place(canvas, left, CARD_Y, HEIGHT)
    for x in places[:-1]:
        back(canvas, x, CARD_Y, HEIGHT)
    for x in places[-1:]:
        if top is None:
            frame(canvas, x, CARD_Y, HEIGHT)
            back(canvas, x, CARD_Y, HEIGHT, "?")
        else:
            face(canvas, x, CARD_Y, HEIGHT, top)


def listing(canvas: Canvas, names: Sequence[str], columns: int = 26, rows: int = 6) -> None:
    """Paint the kinds of a revealed pile, with the last card marked.

    If there are too many cards for the rows, only the last ones are shown.
    """
    names = names[-columns * rows :]
    pitch = (canvas.width - 2 * MARGIN) / columns
    high = 24
    needed = -(-len(names) // columns)
    top = CARD_Y - needed * high / 2
    box = (MARGIN - 4, top - 4, canvas.width - 2 * MARGIN + 8, needed * high + 8)
    canvas.rectangle(*box, LILAC, None, 8)
    for i, name in enumerate(names):
        x, y = MARGIN + pitch * (i % columns + 0.5), top + high * (i // columns + 0.5)
        if i == len(names) - 1:
            canvas.rectangle(x - pitch / 2, y - high / 2, pitch, high, YELLOW, None, 4)
        symbol(canvas, x, y, 14, name)


def kinds(
    canvas: Canvas, names: Sequence[str], asked: str, counts: Sequence[int] | None = None
) -> None:
    """Paint all kinds of cards in a row at the bottom, with the one asked about marked.

    Args:
        canvas: The canvas to draw on.
        names: The names of the kinds.
        asked: The kind asked about.
        counts: The number of cards of each kind so far, if it is revealed.
    """
    width = min(60, (canvas.width - 2 * MARGIN) / len(names))
    y, size = canvas.height - 43, min(26, 0.7 * width)
    for i, name in enumerate(names):
        x = canvas.width / 2 + (i - (len(names) - 1) / 2) * width
        box = (x - width / 2 + 2, y - 22, width - 4, 44)
        canvas.rectangle(*box, YELLOW if name == asked else WHITE, GREY, 6)
        symbol(canvas, x, y - (8 if counts else 0), size * (0.8 if counts else 1), name)
        if counts:
            canvas.text(x, y + 12, str(counts[i]), 16, PURPLE)


def heart_curve(x: float, y: float, size: float) -> list[Point]:
    """Return the outline of a heart around (x, y), upside down if the size is negative.

    The curve of sines and cosines is 32 wide and extends from −17 to 12.

    Weisstein, "Heart Curve", MathWorld, https://mathworld.wolfram.com/HeartCurve.html.
    """
    points = []
    for t in (2 * math.pi * i / 60 for i in range(60)):
        up = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x + size * math.sin(t) ** 3 / 2, y - size * (up + 2.5) / 32))
    return points


def heart(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint a red heart."""
    canvas.polygon(heart_curve(x, y, size), RED)


def diamond(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint a red diamond."""
    wide, high = 0.4 * size, 0.52 * size
    canvas.polygon([(x, y - high), (x + wide, y), (x, y + high), (x - wide, y)], RED)


def stem(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint the stem of a spade or a club."""
    foot = y + 0.5 * size
    canvas.polygon([(x, y), (x + 0.2 * size, foot), (x - 0.2 * size, foot)], INK)


def spade(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint a black spade."""
    stem(canvas, x, y, size)
    canvas.polygon(heart_curve(x, y - 0.08 * size, -0.9 * size), INK)


def club(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint a black club."""
    stem(canvas, x, y, size)
    for right, up in ((0, 0.24), (-0.24, -0.12), (0.24, -0.12), (0, -0.02)):
        canvas.circle(
            x + right * size, y - up * size, (0.24 if right or up > 0 else 0.1) * size, INK
        )


SHAPES: dict[str, Callable[[Canvas, float, float, float], None]] = dict(
    zip(SUITS, (spade, diamond, club, heart), strict=True)
)
DISCS = dict(zip(COLORS, (INK, RED), strict=True))


def symbol(canvas: Canvas, x: float, y: float, size: float, name: str) -> None:
    """Paint the sign for a kind of cards around (x, y), about ``size`` high.

    A suit is a shape, a colour is a disc with its initial, and anything else (a rank) is text.
    """
    if name in SHAPES:
        SHAPES[name](canvas, x, y, size)
    elif name in DISCS:
        canvas.circle(x, y, size / 2, DISCS[name])
        canvas.text(x, y, name[0].upper(), 0.65 * size, WHITE)
    else:
        canvas.text(x, y, name, 0.8 * size if len(name) == 2 else size, INK)
