import sys
import time

import numpy as np
import pygame
import pytest

from popgym.render.window import Window

PICTURE = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    made = Window("A game")
    yield made
    made.close()


def content():
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def test_it_opens_with_the_first_picture_and_shows_it_pixel_by_pixel(window):
    assert pygame.display.get_surface() is None
    window.show(PICTURE, 1000)
    np.testing.assert_array_equal(content(), PICTURE)
    assert pygame.display.get_caption()[0] == "A game"
    window.show(255 - PICTURE, 1000)
    np.testing.assert_array_equal(content(), 255 - PICTURE)


def test_it_takes_the_size_of_its_pictures(window):
    window.show(PICTURE, 1000)
    window.show(PICTURE[:10], 1000)
    np.testing.assert_array_equal(content(), PICTURE[:10])


def test_it_shows_no_more_pictures_a_second_than_asked(window):
    window.show(PICTURE, 50)
    begin = time.monotonic()
    for _ in range(10):
        window.show(PICTURE, 50)
    assert time.monotonic() - begin > 0.15  # 10 pictures of 1/50 s


def test_its_close_button_shuts_it_for_good(window):
    window.show(PICTURE, 1000)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    with pytest.warns(UserWarning, match="the window of A game was closed: it is no longer shown"):
        window.show(PICTURE, 1000)
    assert window.shut and pygame.display.get_surface() is None
    window.show(PICTURE, 1000)
    assert pygame.display.get_surface() is None


def test_keys_are_left_to_who_plays_with_them(window):
    window.show(PICTURE, 1000)
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_LEFT))
    window.show(PICTURE, 1000)
    assert [event.key for event in pygame.event.get(pygame.KEYDOWN)] == [pygame.K_LEFT]


def test_two_windows_take_turns_and_either_may_close(window):
    other = Window("Another game")
    window.show(PICTURE, 1000)
    other.show(PICTURE[:10], 1000)
    np.testing.assert_array_equal(content(), PICTURE[:10])
    other.close()
    window.show(PICTURE, 1000)
    np.testing.assert_array_equal(content(), PICTURE)


def test_closing_twice_and_before_the_first_picture_is_allowed(window):
    window.close()
    window.show(PICTURE, 1000)
    window.close()
    window.close()


def test_without_pygame_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(ImportError, match=r"pip install 'popgym\[render\]'"):
        Window("A game")
