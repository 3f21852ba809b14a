"""The colours of pictures, as (red, green, blue) from 0 to 255."""

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
PAPER: Color = (247, 245, 240)
"""What pictures are drawn on."""
LIGHT: Color = (225, 223, 217)
"""Lines and fields that matter little, such as an empty place."""
GREY: Color = (128, 130, 135)
"""Text that matters less, still readable on paper."""
INK: Color = (33, 37, 43)
"""Text and black suits."""
RED: Color = (200, 42, 52)
ORANGE: Color = (226, 128, 36)
YELLOW: Color = (247, 204, 84)
"""What deserves attention now."""
GREEN: Color = (56, 138, 88)
SKY: Color = (176, 208, 232)
BLUE: Color = (45, 96, 160)
"""The backs of what is covered."""
PURPLE: Color = (134, 72, 168)
"""What is hidden from the player, where a picture reveals it."""
LILAC: Color = (234, 220, 243)
"""The ground of purple text."""
