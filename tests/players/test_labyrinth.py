"""Labyrinths: the map beside the maze itself, and how long the ways are."""

import numpy as np
import pytest

import popgym.envs
from popgym.core.maze import WALL
from popgym.envs.labyrinth_rules import DOWN, GOAL, LEFT, RIGHT
from popgym.players import play_episodes
from popgym.players.labyrinth import EscapeMapper, ExploreMapper
from popgym.players.random import Random

NAMES = ["LabyrinthEscape", "LabyrinthExplore"]
MAPPERS = dict(zip(NAMES, (EscapeMapper, ExploreMapper), strict=True))


def first_mazes(name, count, seed):
    """The mazes of the first episodes: walls, starts and goals."""
    env = popgym.envs.find(name).vector_class(count)
    env.reset(seed=seed)
    records = env.snapshot()["records"]
    return [(record["walls"], *record["start"], *record["goal"]) for record in records]


def distances(walls, row, column):
    """The steps from a square on the border to all free ones, by plain flooding."""
    steps, edge = {(row, column): 0}, [(row, column)]
    for y, x in edge:
        for square in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            inside = min(square) >= 0 and square[0] < len(walls) and square[1] < len(walls[0])
            if inside and walls[square] == 0 and square not in steps:
                steps[square] = steps[y, x] + 1
                edge.append(square)
    return steps


def on_board(known, record, square):
    """The row and column of a square of a map."""
    ways = {way: step for step, way in known.moves.items()}
    return record["start"] + np.array([ways[DOWN], ways[RIGHT]]) @ square


@pytest.mark.parametrize("version", ["", "V1"])
@pytest.mark.parametrize("name", NAMES)
def test_the_map_shows_the_maze_as_it_is(name, version):
    env = popgym.envs.find(f"{name}Easy{version}").vector_class(24, autoreset_mode="SameStep")
    player = MAPPERS[name](env.family, 24)
    obs, start = env.reset(seed=1)[0], np.ones(24, bool)
    sides = {tuple(np.sign(record["start"])) for record in env.snapshot()["records"]}
    assert len(sides) >= 3  # on the top or left border and elsewhere
    for _ in range(70):
        records = env.snapshot()["records"]
        actions = player.act(obs, start)
        for known, record in zip(player.maps, records, strict=True):
            for square, kind in known.squares.items():
                row, column = on_board(known, record, square)
                inside = min(row, column) >= 0 and max(row, column) < len(record["grid"])
                assert kind == (record["grid"][row, column] if inside else WALL)
        obs, _, terminated, truncated, _ = env.step(actions)
        start = terminated | truncated
        for known, record, over in zip(player.maps, env.snapshot()["records"], start, strict=True):
            assert over or (on_board(known, record, known.here) == record["place"]).all()


@pytest.mark.parametrize("level", ["Easy", "Medium", "Hard"])
def test_every_exit_is_found_within_the_steps_of_a_depth_first_walk(level):
    name = f"LabyrinthEscape{level}V1"
    returns = play_episodes(popgym.envs.find(name).task(), EscapeMapper, 60, seed=2, num_envs=60)
    for earned, (walls, *start_and_goal) in zip(returns, first_mazes(name, 60, 2), strict=True):
        steps, free = round((1 - earned) * 1024), int((walls == 0).sum())
        opened = walls.copy()
        opened[tuple(start_and_goal[2:])] = 0
        shortest = distances(opened, *start_and_goal[:2])[tuple(start_and_goal[2:])]
        assert shortest <= steps <= 2 * free


@pytest.mark.parametrize("level", ["Easy", "Medium", "Hard"])
def test_every_square_is_visited_and_no_tour_is_shorter_than_the_shortest(level):
    """A tree's shortest walk over all squares goes each way twice but the longest one."""
    name = f"LabyrinthExplore{level}V1"
    returns = play_episodes(popgym.envs.find(name).task(), ExploreMapper, 40, seed=3, num_envs=40)
    for earned, (walls, row, column, *_) in zip(returns, first_mazes(name, 40, 3), strict=True):
        free, again = int((walls == 0).sum()), round((1 - earned) * 1024)
        farthest = max(distances(walls, row, column).values())
        assert 2 * free - farthest <= free + again <= 2 * free


@pytest.mark.parametrize("name, margin", [("LabyrinthEscape", 1.2), ("LabyrinthExplore", 1.2)])
@pytest.mark.parametrize("version", ["", "V1"])
def test_it_beats_random_play_by_far(name, margin, version):
    task = popgym.envs.find(f"{name}Easy{version}").task()
    mapper, random = (play_episodes(task, player, 40, seed=4) for player in (MAPPERS[name], Random))
    assert mapper.mean() > random.mean() + margin


def test_an_exit_in_view_is_gone_to_at_once():
    player = EscapeMapper(popgym.envs.find("LabyrinthEscape").task(maze_dims=(2, 2)), 1)
    begin = np.array([[1, 1, 1, 1, 2, 0, 1, 1, 1, 4]])  # from the left border to the right
    across = np.array([[1, 1, 1, 2, 0, GOAL, 1, 1, 1, 1]])
    assert player.act(begin, np.ones(1, bool)) == [1]
    assert player.act(across, np.zeros(1, bool)) == [1]


@pytest.mark.parametrize("name", NAMES)
def test_where_there_is_no_way_some_action_is_taken(name):
    """As in a few published mazes, whose start leads to a cell that was never carved."""
    player = MAPPERS[name](popgym.envs.find(name).task(), 1)
    closed = np.array([[1, 1, 1, 1, 2, 1, 1, 1, 1, 4]])
    assert player.act(closed, np.ones(1, bool)) == [LEFT]
    assert player.act(closed, np.zeros(1, bool)) == [LEFT]


def test_oblong_mazes_are_walked_through_where_they_can_be_seen():
    task = popgym.envs.find("LabyrinthEscapeEasyV1").task(maze_dims=(4, 12))
    assert play_episodes(task, EscapeMapper, 20, seed=5).min() > 0.8
