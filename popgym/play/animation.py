"""Pictures one after another in a GIF file with one palette."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from popgym.render.canvas import import_pillow
from popgym.runs.files import replacing

COLORS, EXACT = 255, 127
"""The palette's size, which leaves one of 256 places for what stays as it was; and how many of the
most frequent colours are in it as they are."""
SLOWEST, FASTEST = 1, 50
"""Pictures per second; of more, browsers show few."""
LAST = 1500
"""How long the last picture of an episode stays, in milliseconds."""


class Animation:
    """Pictures of one size, kept compressed until they are written.

    Args:
        fps: Pictures per second, from 1 to 50.

    Raises:
        ValueError: `fps` is out of range.
    """

    def __init__(self, fps: float) -> None:
        if not SLOWEST <= fps <= FASTEST:
            raise ValueError(f"fps must be from {SLOWEST} to {FASTEST}, got {fps}")
        self.duration = round(100 / fps) * 10  # ms; files count in hundredths of a second
        self.durations: list[int] = []
        self._packed: list[bytes] = []
        self._shape: tuple[int, ...] = ()
        self._counts: Counter[int] = Counter()

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self._packed)

    def add(self, picture: np.ndarray, last: bool = False) -> None:
        """Adds a picture.

        Args:
            picture: [H, W, 3] uint8, of the size of those before.
            last: Whether it is the last of an episode, which stays longer.
        """
        assert self._shape in ((), picture.shape), "pictures must be of one size"
        self._shape = picture.shape
        colors, counts = np.unique(picture @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
        self._counts.update(dict(zip(colors.tolist(), counts.tolist(), strict=True)))
        self._packed.append(zlib.compress(picture.tobytes(), 1))
        self.durations.append(LAST if last else self.duration)

    def write(self, path: Path) -> None:
        """Writes the file whole or not at all, in place of one that is there."""
        pillow = import_pillow()
        palette = self._palette(pillow)
        frames = self._frames(pillow, palette)
        first = next(frames)
        with replacing(path) as temporary:
            first.save(
                temporary,
                format="GIF",
                save_all=True,
                append_images=frames,
                duration=self.durations,
                loop=0,
                palette=bytes(palette.getpalette()),  # one for all, not one a picture
                optimize=True,  # what stays as it was is left out
            )

    def _frames(self, pillow: Any, palette: Any) -> Iterator[Any]:
        for packed in self._packed:
            picture = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self._shape)
            image = pillow.Image.fromarray(picture)
            yield image.quantize(palette=palette, dither=pillow.Image.Dither.NONE)

    def _palette(self, pillow: Any) -> Any:
        """The frequent colours as they are; of the rest, each counting once, the best few.

        So a highlight that flashes in a single picture keeps its colour.
        """
        ordered = [color for color, _ in self._counts.most_common()]
        chosen = rgb(ordered[: COLORS if len(ordered) <= COLORS else EXACT])
        if len(ordered) > COLORS:
            rest = pillow.Image.fromarray(rgb(ordered[EXACT:])[None])
            few = rest.quantize(COLORS - EXACT).getpalette()
            chosen = np.concatenate([chosen, np.array(few, np.uint8).reshape(-1, 3)])
        image = pillow.Image.new("P", (1, 1))
        image.putpalette(chosen[:COLORS].tobytes())
        return image


def rgb(colors: list[int]) -> np.ndarray:
    """Colours, numbers below 2²⁴, as red, green and blue: [n, 3] uint8."""
    numbers = np.array(colors)
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=1).astype(np.uint8)
