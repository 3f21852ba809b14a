"""What pictures of card games have in common: cards, the question, the answers.

Cards are drawn by the names of their kinds, as in `popgym.core.cards.KINDS`, so that a picture
shows of a card what its player is shown of it: the colour, the suit or the rank.
The signs are drawn as shapes because Pillow's font has no card suits.
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
"""How far below the top of such a picture its cards have their centres."""
HEIGHT = 96
"""How high its cards are."""
SLIM = 0.7
"""A card's width, as a share of its height."""


def face(
    canvas: Canvas, x: float, y: float, height: float, name: str,
    ground: Color = WHITE, edge: Color = GREY,
) -> None:  # fmt: skip
    """A card around (x, y) that lies face up."""
    width = SLIM * height
    box = (x - width / 2, y - height / 2, width, height)
    canvas.rectangle(*box, ground, edge, 0.08 * height)
    symbol(canvas, x, y, 0.45 * height, name)
    if height >= 80:
        for side in (-1, 1):
            at = (x + 0.34 * side * width, y + 0.38 * side * height)
            symbol(canvas, *at, 0.13 * height, name)


def back(canvas: Canvas, x: float, y: float, height: float, mark: str = "") -> None:
    """A card around (x, y) that lies face down, with something written on its back."""
    width, radius, rim = SLIM * height, 0.08 * height, 0.07 * height
    left, top = x - width / 2, y - height / 2
    canvas.rectangle(left, top, width, height, BLUE, WHITE, radius)
    inner = (left + rim, top + rim, width - 2 * rim, height - 2 * rim)
    canvas.rectangle(*inner, None, SKY, radius / 2)
    canvas.text(x, y, mark, (0.45 if mark == "?" else 0.3) * height, WHITE)


def covered(
    canvas: Canvas, x: float, y: float, height: float, name: str, reveal: bool, mark: str = ""
) -> None:
    """A card around (x, y) that lies face down, or its face in purple to reveal it."""
    if reveal:
        face(canvas, x, y, height, name, LILAC, PURPLE)
    else:
        back(canvas, x, y, height, mark)


def frame(canvas: Canvas, x: float, y: float, height: float) -> None:
    """Draws attention to the card that will be drawn over it."""
    rim = max(2, 0.05 * height)
    width = SLIM * height + 2 * rim
    left, top = x - width / 2, y - height / 2 - rim
    canvas.rectangle(left, top, width, height + 2 * rim, YELLOW, None, 0.08 * height + rim)


def place(canvas: Canvas, x: float, y: float, height: float) -> None:
    """Where a card could lie around (x, y) and none does."""
    width = SLIM * height
    box = (x - width / 2, y - height / 2, width, height)
    canvas.rectangle(*box, None, GREY, 0.08 * height)


def question(canvas: Canvas, text: str) -> None:
    """What is asked, or what there is to know, above the answers."""
    canvas.text(canvas.width / 2, canvas.height - 92, text, 20, INK)


def answers(canvas: Canvas, names: Sequence[str]) -> None:
    """What there is to answer at the bottom, each with the number of its action."""
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
    """A row of the cards dealt from some card to the one in view, which alone is face up.

    Args:
        canvas: To draw on.
        names: The cards' kinds. Where they are too many for the row, its middle is left out.
        asked: What to call the first one, if that is the one asked about.
        reveal: Whether to show also the kinds of those that are not in view.
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
    """A pile of cards spread from left to right; there is room for `of`.

    Args:
        canvas: To draw on.
        count: How many lie on the pile.
        of: How many there can be.
        top: The kind of the last one, if it is in view; if not, it is the one asked about.
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
    """The kinds of the cards of a pile, which are only revealed, and its last one marked.

    If they are too many for the rows, those that come last.
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
    """All kinds of cards in a row at the bottom, the one asked about marked.

    Args:
        canvas: To draw on.
        names: Of the kinds.
        asked: One of them.
        counts: How many of each there were, to be revealed.
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
    """A heart around (x, y), upside down where the size is negative.

    Weisstein, "Heart Curve", MathWorld, https://mathworld.wolfram.com/HeartCurve.html, the
    curve of sines and cosines, which is 32 wide and reaches from −17 to 12.
    """
    points = []
    for t in (2 * math.pi * i / 60 for i in range(60)):
        up = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x + size * math.sin(t) ** 3 / 2, y - size * (up + 2.5) / 32))
    return points


def heart(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A red heart."""
    canvas.polygon(heart_curve(x, y, size), RED)


def diamond(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A red diamond."""
    wide, high = 0.4 * size, 0.52 * size
    canvas.polygon([(x, y - high), (x + wide, y), (x, y + high), (x - wide, y)], RED)


def stem(canvas: Canvas, x: float, y: float, size: float) -> None:
    """What a spade or a club stands on."""
    foot = y + 0.5 * size
    canvas.polygon([(x, y), (x + 0.2 * size, foot), (x - 0.2 * size, foot)], INK)


def spade(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A black spade."""
    stem(canvas, x, y, size)
    canvas.polygon(heart_curve(x, y - 0.08 * size, -0.9 * size), INK)


def club(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A black club."""
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
    """The sign for a kind of cards, about `size` high, around (x, y).

    A suit is drawn, a colour is a disc with its initial, anything else (a rank) is written.
    """
    if name in SHAPES:
        SHAPES[name](canvas, x, y, size)
    elif name in DISCS:
        canvas.circle(x, y, size / 2, DISCS[name])
        canvas.text(x, y, name[0].upper(), 0.65 * size, WHITE)
    else:
        canvas.text(x, y, name, 0.8 * size if len(name) == 2 else size, INK)
