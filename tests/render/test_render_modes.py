"""What a person sees: text, pictures and a window, of one environment and of many."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pygame
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics

import popgym.envs
from popgym.core.env import POPGymEnv
from popgym.core.family import Family

BOARD = np.zeros((4, 4), int)
BOARD[0, :2] = 1  # two mines, in the upper left corner


def make(render_mode=None, **arguments):
    env = popgym.envs.MineSweeperEasy(render_mode=render_mode, **arguments)
    env.reset(options={"hidden": {"mines": BOARD}})
    return env


def shown():
    """What is in the window, [H, W, 3]; None if there is none."""
    surface = pygame.display.get_surface()
    return None if surface is None else pygame.surfarray.array3d(surface).swapaxes(0, 1)


@pytest.mark.parametrize("render_mode, kind", [("ansi", str), ("rgb_array", np.ndarray)])
def test_render_returns_what_the_player_sees(render_mode, kind):
    env = make(render_mode)
    first = env.render()
    env.step((1, 2))
    second = env.render()
    assert isinstance(first, kind) and isinstance(second, kind)
    assert np.any(first != second)
    np.testing.assert_array_equal(second, env.render())


def test_a_picture_has_the_size_that_the_task_says():
    env = make("rgb_array")
    width, height = env.family.picture_size
    assert env.render().shape == (height, width, 3) and env.render().dtype == np.uint8


def test_text_and_pictures_can_be_had_in_any_mode_and_reveal_what_is_hidden():
    env = make()
    assert env.draw() == make("ansi").render()
    np.testing.assert_array_equal(env.picture(), make("rgb_array").render())
    assert env.draw(reveal=True).startswith("* * · ·")
    assert (env.picture(reveal=True) != env.picture()).any()
    other = make()
    other.reset(options={"hidden": {"mines": BOARD.T}})
    np.testing.assert_array_equal(other.picture(), env.picture())
    assert (other.picture(reveal=True) != env.picture(reveal=True)).any()


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_what_is_seen_before_the_first_reset_is_an_empty_board(render_mode):
    env = popgym.envs.MineSweeperEasy(render_mode=render_mode)
    np.testing.assert_array_equal(env.render(), make(render_mode).render())


def test_rendering_changes_nothing():
    env, twin = make("rgb_array"), make()
    for action in [(3, 3), (3, 3), (2, 2)]:
        env.render(), env.draw(reveal=True), env.picture(reveal=True)
        assert env.step(action) == twin.step(action)
    for key, value in env.snapshot().items():
        if key not in ("records", "seeded"):
            np.testing.assert_array_equal(value, twin.snapshot()[key])


def test_a_window_shows_each_reset_and_step_and_render_returns_nothing():
    env = popgym.envs.MineSweeperEasy(render_mode="human")
    env.metadata["render_fps"] = 1000
    assert shown() is None
    env.reset(options={"hidden": {"mines": BOARD}})
    np.testing.assert_array_equal(shown(), env.picture())
    before = shown()
    env.step((1, 1))
    np.testing.assert_array_equal(shown(), env.picture())
    assert (shown() != before).any()
    env.restore(make().snapshot())
    assert env.render() is None
    np.testing.assert_array_equal(shown(), before)
    env.close()
    assert shown() is None
    env.close()


def test_a_refused_step_leaves_the_window_as_it_was():
    env = make("human")
    before = shown()
    with pytest.raises(ValueError, match="outside"):
        env.step((9, 9))
    np.testing.assert_array_equal(shown(), before)
    env.close()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_of_a_watched_environment_has_its_own_window(duplicate):
    env = make("human")
    twin = duplicate(env)
    env.close()
    twin.step((1, 1))
    np.testing.assert_array_equal(shown(), twin.picture())
    twin.close()


def test_closing_an_environment_that_was_never_watched_does_nothing():
    make().close()
    popgym.envs.MineSweeperEasy(render_mode="human").close()


def test_tasks_say_how_fast_they_are_watched():
    assert popgym.envs.PositionOnlyCartPoleEasy().metadata["render_fps"] == 50
    assert popgym.envs.PositionOnlyPendulumEasy().metadata["render_fps"] == 20
    assert make().metadata["render_fps"] == 4
    assert popgym.envs.find("MineSweeperEasy").vector_class(2).metadata["render_fps"] == 4
    assert popgym.envs.MineSweeperEasy.metadata["render_modes"] == ["ansi", "rgb_array", "human"]


@pytest.mark.parametrize("mode", ["rgb", "human ", "", 1, True])
def test_an_unknown_mode_is_refused(mode):
    with pytest.raises(ValueError, match=r"render_mode must be None or one of .*'human'"):
        popgym.envs.MineSweeperEasy(render_mode=mode)
    with pytest.raises(ValueError, match=r"render_mode must be None or one of .*'rgb_array'"):
        popgym.envs.find("MineSweeperEasy").vector_class(2, render_mode=mode)


def test_many_environments_have_no_window():
    with pytest.raises(ValueError, match=r"one of \('ansi', 'rgb_array'\), got 'human'"):
        popgym.envs.find("MineSweeperEasy").vector_class(2, render_mode="human")


def test_each_of_many_environments_has_its_picture():
    env = popgym.envs.find("MineSweeperEasy").vector_class(2, render_mode="rgb_array")
    env.reset(options={"hidden": {"mines": np.stack([BOARD, BOARD.T])}})
    env.step([(1, 1), (0, 1)])
    single = make()
    single.step((1, 1))
    first, second = env.render()
    np.testing.assert_array_equal(first, single.picture())
    assert first.shape == second.shape and (first != second).any()


def test_gymnasium_makes_environments_with_pictures():
    env = gym.make("popgym-MineSweeperEasy-v0", render_mode="rgb_array")
    env = RecordEpisodeStatistics(env)
    env.reset(seed=0)
    assert env.render().shape == (440, 400, 3)
    many = gym.make_vec("popgym-MineSweeperEasy-v0", num_envs=3, render_mode="rgb_array")
    many.reset(seed=0)
    assert [picture.shape for picture in many.render()] == [(440, 400, 3)] * 3


def test_a_task_without_pictures_says_so_and_is_still_drawn_as_text():
    class Plain(popgym.envs.find("MineSweeperEasy").family):
        paint = Family.paint

    env = POPGymEnv(Plain(), render_mode="ansi")
    assert env.render().startswith("· · · ·")
    with pytest.raises(
        NotImplementedError, match=r"Plain draws no pictures: .* render_mode='ansi'"
    ):
        env.picture()
