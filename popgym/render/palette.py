"""The colours of pictures, as (red, green, blue) from 0 to 255."""

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
PAPER: Color = (247, 245, 240)
"""The background of pictures."""
LIGHT: Color = (225, 223, 217)
"""Unimportant lines and areas, such as an empty square."""
GREY: Color = (128, 130, 135)
"""Less important text, still readable on ``PAPER``."""
INK: Color = (33, 37, 43)
"""Text and black suits."""
RED: Color = (200, 42, 52)
ORANGE: Color = (226, 128, 36)
YELLOW: Color = (247, 204, 84)
"""Highlights."""
GREEN: Color = (56, 138, 88)
SKY: Color = (176, 208, 232)
BLUE: Color = (45, 96, 160)
"""The backs of covered cards and squares."""
PURPLE: Color = (134, 72, 168)
"""Things hidden from the player that a picture reveals."""
LILAC: Color = (234, 220, 243)
"""The background of purple text."""
