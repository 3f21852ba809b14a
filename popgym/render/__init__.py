"""Pictures, windows and text: how an environment is shown.

Here belong the canvas, its colours, the window on the screen and where a board lies in a text
picture. It may import ``popgym.core.arguments`` and, for annotations only, the types of
``popgym.core``. What a family draws is in ``popgym.envs.pictures``.
"""
