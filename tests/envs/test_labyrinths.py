"""What both families of mazes share: the mazes, the views, moving, wrong input, drawings."""

import gymnasium as gym
import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_plausible, chi_square, random_returns

FAMILIES = ["LabyrinthEscape", "LabyrinthExplore"]
LEVELS = [family + level for family in FAMILIES for level in ("Easy", "Medium", "Hard")]
WALLS = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 0, 0, 0, 1, 0, 1],
        [1, 0, 1, 0, 1, 0, 1],
        [1, 0, 1, 0, 0, 0, 1],
        [1, 0, 1, 1, 1, 0, 1],
        [1, 0, 0, 0, 1, 0, 1],
        [1, 1, 1, 1, 1, 1, 1],
    ]
)
MAZE = {"walls": WALLS, "start": [0, 3], "goal": [6, 5]}
LEFT, RIGHT, UP, DOWN = range(4)

# Counted over mazes of POPGym 1.0.7 (mazelib 0.9.16): how long the shortest way from start to
# goal is in 20,000 easy ones (10, 12, … steps; the last number counts the longer ones), and how
# many dead ends there are in the 20,000 easy ones (2, 3, …) and in 12,000 hard ones (4, 5, …).
WAYS = [442, 1090, 1968, 2304, 2541, 2228, 2080, 1582, 1498, 1088, 922, 637, 578, 354, 286, 402]
DEAD_ENDS = {
    "Easy": (2, [663, 4308, 7793, 5421, 1624, 181, 10]),
    "Hard": (4, [2, 29, 147, 513, 1336, 2287, 2688, 2339, 1571, 752, 259, 66, 11]),
}


def begin(family, maze=MAZE, **arguments):
    env = getattr(popgym.envs, family)(maze_dims=(6, 6), **arguments, render_mode="ansi")
    obs, _ = env.reset(options={"hidden": maze})
    return env, obs


def drawn(name, count, seed, **arguments):
    env = popgym.envs.find(name).vector_class(count, **arguments)
    env.reset(seed=seed)
    records = env.snapshot()["records"]
    return (records[key].astype(int) for key in ("walls", "start", "goal"))


def distances(walls, start, goal):
    """How many steps the goals are from the starts; −1 where there is no way."""
    count, everyone = len(walls), np.arange(len(walls))
    free, here = walls == 0, np.zeros(walls.shape, bool)
    for squares in (start, goal):
        free[everyone, squares[:, 0], squares[:, 1]] = True
    here[everyone, start[:, 0], start[:, 1]] = True
    steps = np.full(count, -1)
    for t in range(walls[0].size):
        there = here[everyone, goal[:, 0], goal[:, 1]]
        steps[there & (steps < 0)] = t
        wide = np.pad(here, ((0, 0), (1, 1), (1, 1)))
        around = wide[:, 2:, 1:-1] | wide[:, :-2, 1:-1] | wide[:, 1:-1, 2:] | wide[:, 1:-1, :-2]
        here = (here | around) & free
    return steps


def assert_same_distribution(ours, theirs):
    """Chi-square of two samples; rare outcomes are pooled."""
    ours, theirs = np.array(ours), np.array(theirs)
    rare = ours + theirs < 40
    ours, theirs = (np.append(c[~rare], c[rare].sum()) for c in (ours, theirs))
    a, b = np.sqrt(theirs.sum() / ours.sum()), np.sqrt(ours.sum() / theirs.sum())
    statistic = ((a * ours - b * theirs) ** 2 / np.maximum(ours + theirs, 1)).sum()
    degrees = len(ours) - 1 - (not rare.any())
    assert statistic - degrees < 4.5 * np.sqrt(2 * degrees)


def test_the_ways_are_as_long_as_in_the_original():
    steps = distances(*drawn("LabyrinthEscapeEasy", 10_000, 0))
    assert (steps >= 10).all() and (steps % 2 == 0).all()
    ours = np.bincount((np.minimum(steps, 40) - 10) // 2, minlength=16)
    assert_same_distribution(ours, WAYS)


@pytest.mark.parametrize("level", DEAD_ENDS)
def test_there_are_as_many_dead_ends_as_in_the_original(level):
    walls, _, _ = drawn("LabyrinthExplore" + level, 10_000, 1)
    first, theirs = DEAD_ENDS[level]
    exits = sum(1 - np.roll(walls, shift, axis) for axis in (1, 2) for shift in (1, -1))
    dead_ends = (exits[:, 1::2, 1::2] == 1).sum(axis=(1, 2))
    assert dead_ends.min() >= first - 2
    ours = np.bincount(np.maximum(dead_ends - first, 0), minlength=len(theirs))[: len(theirs)]
    assert_same_distribution(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
def test_start_and_goal_are_uniform_on_opposite_sides(family):
    _, start, goal = drawn(family + "Easy", 20_000, 2)
    counts = np.zeros((4, 5, 5))
    for (y, x), (v, u) in zip(start.tolist(), goal.tolist(), strict=True):
        if y in (0, 10):
            assert v == 10 - y
            counts[y // 10, x // 2, u // 2] += 1
        else:
            assert x in (0, 10) and u == 10 - x
            counts[2 + x // 10, y // 2, v // 2] += 1
    assert_plausible(chi_square(counts), 99)


def test_later_versions_hunt_on_until_every_maze_can_be_solved():
    # In a corridor the one cell to walk on from is hard to find.
    for version, unsolved in (("", True), ("V1", False)):
        name = f"LabyrinthEscape{version}"
        walls, _, _ = drawn(name, 4000, 3, maze_dims=(2, 60))
        assert walls[:, 1, 1:-1].any() == unsolved


def around(env):
    grid = np.pad(env.snapshot()["records"]["grid"][0], 1, constant_values=1)
    y, x = env.snapshot()["records"]["place"][0]
    return grid[y : y + 3, x : x + 3].reshape(9)


@pytest.mark.parametrize("name", LEVELS)
def test_later_versions_look_around_the_agent_and_the_published_ones_not_at_two_borders(name):
    both = [getattr(popgym.envs, name + version)() for version in ("", "V1")]
    rng, seen = np.random.default_rng(4), set()
    for seed in range(12):
        both[1].reset(seed=seed)
        record = both[1].snapshot()["records"][0]
        hidden = {key: record[key].astype(int) for key in ("walls", "start", "goal")}
        old, new = (env.reset(options={"hidden": hidden})[0] for env in both)
        for _ in range(15):
            y, x = both[1].snapshot()["records"]["place"][0]
            np.testing.assert_array_equal(new[:9], around(both[1]))
            if y > 0 and x > 0:
                np.testing.assert_array_equal(old, new)
            elif y == 0:  # a row up: from the border on, then a row of walls
                np.testing.assert_array_equal(old[:6], new[3:9])
                assert (old[6:9] == 1).all()
            else:
                views = old[:9].reshape(3, 3), new[:9].reshape(3, 3)
                np.testing.assert_array_equal(views[0][:, :2], views[1][:, 1:])
                assert (views[0][:, 2] == 1).all()
            seen.add((y == 0, x == 0))
            way = int(rng.integers(4))
            old, new = (env.step(way)[0] for env in both)
            if both[0].snapshot()["status"][0] != 1:
                break
    assert len(seen) == 3


@pytest.mark.parametrize("family", FAMILIES)
def test_in_oblong_mazes_the_published_view_ends_where_a_square_one_would(family, uncompiled):
    walls = np.ones((5, 13), int)
    walls[1, 1:12] = 0  # a corridor
    for maze, ways in ((walls, (LEFT, RIGHT)), (walls.T, (UP, DOWN))):
        start, goal = ([1, 2], [1, 11]) if maze is walls else ([2, 1], [11, 1])
        views = []
        for version in ("", "V1"):
            dims = tuple(side - 1 for side in maze.shape)
            env = getattr(popgym.envs, family + version)(maze_dims=dims)
            env.reset(options={"hidden": {"walls": maze, "start": start, "goal": goal}})
            view = [env.step(ways[1])[0][:9].reshape(3, 3) for _ in range(6)]
            views.append([v if maze is walls else v.T for v in view])
        ahead = [[v[1, 1:].tolist() for v in view] for view in views]  # from column 3 on
        assert ahead[1] == [[0, 0]] * 6
        assert ahead[0] == [[0, 0]] * 2 + [[0, 1]] + [[1, 1]] * 3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_agent_goes_where_there_is_no_wall_and_its_last_move_is_seen(family):
    env, obs = begin(family)
    assert obs[9] == 4
    places = []
    for way in (UP, LEFT, DOWN, DOWN, LEFT, RIGHT, UP):
        obs, *_, info = env.step(way)
        assert obs[9] == way and info == {}
        places.append(env.snapshot()["records"]["place"][0].tolist())
    assert places == [[0, 3], [0, 3], [1, 3], [2, 3], [2, 3], [2, 3], [1, 3]]
    state = env.get_state()
    assert state[0, 3] == 2 and state[1, 3] == state[2, 3] == 0
    assert (state == 4).sum() == 49 - 3


PUBLISHED_RANDOM = {
    "LabyrinthEscapeEasy": -0.398,
    "LabyrinthEscapeMedium": -0.841,
    "LabyrinthEscapeHard": -0.951,
    "LabyrinthExploreEasy": -0.349,
    "LabyrinthExploreMedium": -0.614,
    "LabyrinthExploreHard": -0.747,
}  # measured on POPGym 1.0.7


@pytest.mark.parametrize("name", LEVELS)
def test_random_play_earns_what_it_did_in_the_original(name):
    env = popgym.envs.find(name).vector_class(1500, autoreset_mode="SameStep")
    mean = random_returns(env, 5).mean()
    # Both means have a standard error of .02 at LabyrinthEscapeEasy, of .01 elsewhere.
    tolerance = 0.1 if name == "LabyrinthEscapeEasy" else 0.05
    assert mean == pytest.approx(PUBLISHED_RANDOM[name], abs=tolerance)


@pytest.mark.parametrize("name", LEVELS)
def test_the_last_step_is_one_before_the_published_length(name):
    env = popgym.envs.find(name).env_class()
    assert (env.episode_length, env.max_episode_length) == (1024, 1023)
    assert popgym.envs.registry.row(popgym.envs.find(name))["length"] == 1023
    env.reset(seed=6)
    results = [env.step(LEFT)[2:4] for _ in range(1023)]
    assert results[-1] == (False, True) and not any(end for _, end in results[:-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_drawing_shows_the_view_and_reveals_the_maze_on_demand(family):
    env, _ = begin(family)
    assert env.render() == "██@@██\n    ██\n██████\nlast move: none   step 0"
    env.step(DOWN)
    assert env.render() == "██SS██\n  @@██\n██  ██\nlast move: down   step 1"
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True).split("\n")
    assert revealed[0] == "██████··██████" and revealed[1] == "██    @@██  ██"
    assert ("GG" in revealed[6]) == (family == "LabyrinthEscape")
    env, _ = begin(family, centered_view=True)
    assert env.render().split("\n")[:3] == ["██████", "██@@██", "    ██"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"maze_dims": (10, 9)}, r"maze_dims must be even, got \(10, 9\)"),
        ({"maze_dims": (0, 10)}, r"maze_dims\[0\] must be a whole number at least 2, got 0"),
        ({"maze_dims": 10}, r"maze_dims must be two whole numbers \(rows, columns\), got 10"),
        ({"maze_dims": (10.0, 10)}, r"maze_dims\[0\]"),
        ({"episode_length": 1}, "episode_length must be a whole number at least 2, got 1"),
        ({"centered_view": 1}, "centered_view must be True or False, got 1"),
        ({"hunt_on": None}, "hunt_on must be True or False"),
    ],
)
def test_wrong_arguments_are_refused(family, arguments, match):
    with pytest.raises(ValueError, match=match):
        getattr(popgym.envs, family)(**arguments)


@pytest.mark.parametrize("family", FAMILIES)
def test_mazes_may_be_oblong(family):
    env = getattr(popgym.envs, family)(maze_dims=(4, 12), episode_length=50)
    env.reset(seed=7)
    assert env.get_state().shape == (5, 13) and env.max_episode_length == 49
    rng = np.random.default_rng(7)
    places = {tuple(env.snapshot()["records"]["place"][0].tolist())}
    for _ in range(40):
        if env.step(int(rng.integers(4)))[2]:
            break
        places.add(tuple(env.snapshot()["records"]["place"][0].tolist()))
    assert all(0 <= y < 5 and 0 <= x < 13 for y, x in places) and len(places) > 3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "change, match",
    [
        ({"walls": WALLS[:6]}, r"zeros and ones, of shape \(7, 7\)"),
        ({"walls": 2 * WALLS}, "zeros and ones"),
        ({"start": [0, 7]}, r"from \[0, 0\] to \[6, 6\]"),
        ({"start": [-1, 3]}, "whole numbers from"),
        ({"goal": [0, 3]}, r"start'\] and hidden\['goal'\] must differ, got \[0, 3\]"),
        ({"walls": np.ones((7, 7), int)}, r"hidden\['walls'\] must leave"),
        ({"start": [0, 0]}, r"hidden\['walls'\] must leave"),
        ({"walls": WALLS + (np.arange(49).reshape(7, 7) == 10)}, "a way"),
    ],
)
def test_a_wrong_maze_is_refused_and_changes_nothing(family, change, match):
    env, _ = begin(family)
    env.step(DOWN)
    before = env.get_state()
    with pytest.raises(ValueError, match=match):
        env.reset(options={"hidden": {**MAZE, **change}})
    np.testing.assert_array_equal(env.get_state(), before)
    assert env.step(UP)[0][9] == UP


@pytest.mark.parametrize("family", FAMILIES)
def test_later_versions_are_registered_beside_the_published_ones(family):
    env = gym.make(f"popgym-{family}Hard-v1").unwrapped
    assert env.family.maze_dims == (18, 18) and env.family.centered_view
    assert not popgym.envs.find(f"{family}Hard").task().centered_view
    vector = gym.make_vec(f"popgym-{family}Easy-v1", num_envs=3)
    vector.reset(seed=0)
    vector.close()
