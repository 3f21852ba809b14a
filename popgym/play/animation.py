"""GIF files with one palette for all pictures."""

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
"""The size of the palette, and how many of its colours are the most frequent ones, unchanged.

One of a GIF's 256 colours is needed for pixels that do not change between pictures.
"""
SLOWEST, FASTEST = 1, 50
"""Pictures per second. Browsers slow down GIFs that are faster."""
LAST = 1500
"""Duration of the last picture of an episode, in milliseconds."""


class Animation:
    """Sequence of pictures of the same size, kept compressed in memory until it is written.

    Args:
        fps: Pictures per second, from 1 to 50.

    Raises:
        ValueError: If ``fps`` is out of range.
    """

    def __init__(self, fps: float) -> None:
        if not SLOWEST <= fps <= FASTEST:
            raise ValueError(f"fps must be from {SLOWEST} to {FASTEST}, got {fps}")
        self.duration = round(100 / fps) * 10  # ms; GIF stores hundredths of a second
        self.durations: list[int] = []
        self._packed: list[bytes] = []
        self._shape: tuple[int, ...] = ()
        self._counts: Counter[int] = Counter()

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._packed)

    def add(self, picture: np.ndarray, last: bool = False) -> None:
        """Add a picture.

        Args:
            picture: [H, W, 3] uint8, of the same size as the pictures before.
            last: Whether it is the last of an episode; such pictures are shown for longer.
        """
        assert self._shape in ((), picture.shape), "all pictures must have the same size"
        self._shape = picture.shape
        colors, counts = np.unique(picture @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
        self._counts.update(dict(zip(colors.tolist(), counts.tolist(), strict=True)))
        self._packed.append(zlib.compress(picture.tobytes(), 1))
        self.durations.append(LAST if last else self.duration)

    def write(self, path: Path) -> None:
        """Write the file atomically; an existing file is replaced."""
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
                palette=bytes(palette.getpalette()),  # one for the whole file, not one per picture
                optimize=True,  # leaves out what does not change between pictures
            )

    def _frames(self, pillow: Any, palette: Any) -> Iterator[Any]:
        for packed in self._packed:
            picture = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self._shape)
            image = pillow.Image.fromarray(picture)
            yield image.quantize(palette=palette, dither=pillow.Image.Dither.NONE)

    def _palette(self, pillow: Any) -> Any:
        """Build the palette: the most frequent colours unchanged, the rest quantised.

        In the quantisation every remaining colour has the same weight, so that a highlight that
        appears in a single picture keeps its colour.
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
    """Convert colours, numbers below 2²⁴, to red, green and blue: [n, 3] uint8."""
    numbers = np.array(colors)
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=1).astype(np.uint8)
