"""A window on the screen that shows pictures one after another, opened with pygame."""

import os
from typing import Any

import gymnasium
import numpy as np


class Window:
    """The window of one environment.

    It opens with the first picture. Its close button shuts it for good: the environment then
    plays on unseen. A process has one pygame window; environments that are shown at the same
    time take turns in it.

    Args:
        title: What stands above the pictures.

    Raises:
        ModuleNotFoundError: pygame is not installed; the message says how to install it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.shut = False
        """Whether the close button was pressed."""
        self._pygame = import_pygame()
        self._clock = self._pygame.time.Clock()

    def show(self, picture: np.ndarray, fps: float) -> None:
        """Shows a picture, and waits so that there are not too many.

        Args:
            picture: [height, width, 3] uint8.
            fps: The most pictures a second.
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
        # Other events are left to whoever plays by keys in this window.
        if self._pygame.event.get(self._pygame.QUIT):
            self.shut = True
            self.close()
            gymnasium.logger.warn(f"the window of {self.title} was closed: it plays on unseen")

    def close(self) -> None:
        """Takes the window from the screen, if it is there."""
        self._pygame.display.quit()


def import_pygame() -> Any:
    """The module pygame.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ModuleNotFoundError as error:
        advice = "render_mode='human' opens a window with pygame: pip install 'popgym[render]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    return pygame
