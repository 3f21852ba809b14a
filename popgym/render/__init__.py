"""Rendering of environments as pictures, in windows and as text.

This package holds the canvas, its colours, the window on the screen and the position of a board in
a text picture. It may import ``popgym.core.arguments`` and, for annotations only, the types of
``popgym.core``. The code that draws the families is in ``popgym.envs.pictures``.
"""
