"""A window on the screen that shows a sequence of pictures, with pygame."""

import os
from typing import Any

import gymnasium
import numpy as np


class Window:
    """The window of one environment.

    It opens when the first picture is shown. After the user has pressed its close button, it does
    not open again, and the environment continues without a window. A process can have only one
    pygame window, so environments that are shown at the same time share it and show their pictures
    alternately.

    Args:
        title: The title of the window.

    Raises:
        ModuleNotFoundError: If pygame is not installed; the message says how to install it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.shut = False
        """Whether the close button has been pressed."""
        self._pygame = import_pygame()
        self._clock = self._pygame.time.Clock()

    def show(self, picture: np.ndarray, fps: float) -> None:
        """Show a picture, and wait as long as the maximum rate requires.

        Args:
            picture: The picture, [height, width, 3] uint8.
            fps: The maximum number of pictures per second.
        """
        if self.shut:
            return
        display, size = self._pygame.display, picture.shape[1::-1]
        display.init()
        surface = display.get_surface()
        if surface is None or surface.get_size() != size:
            surface = display.set_mode(size)
        display.set_caption(self.title)
        surface.blit(self._pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        display.flip()
        self._clock.tick(fps)
        # Other events stay in the queue for a program that reads key presses from this window.
        if self._pygame.event.get(self._pygame.QUIT):
            self.shut = True
            self.close()
            gymnasium.logger.warn(f"the window of {self.title} was closed: it is no longer shown")

    def close(self) -> None:
        """Close the window, if it is open."""
        self._pygame.display.quit()


def import_pygame() -> Any:
    """Import the module pygame, and return it.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ModuleNotFoundError as error:
        advice = "render_mode='human' opens a window with pygame: pip install 'popgym[render]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    return pygame
