"""Every environment's pictures: their size, what they tell and what they keep to themselves."""

import numpy as np
import pytest

from popgym.envs.registry import ENTRIES
from popgym.render.canvas import Canvas, font, picture

ONLY_NOW = ("RepeatPrevious", "RepeatFirst", "Autoencode", "CountRecall", "HigherLower")
"""Families whose pictures show nothing that was seen before."""


@pytest.fixture(params=ENTRIES.values(), ids=ENTRIES.keys())
def entry(request):
    return request.param


def scenes(entry):
    """A task and records of it: never reset, just begun, later, and where a deck of cards ends."""
    env, over, t = entry.env_class(), True, 0
    env.action_space.seed(0)
    while t < 70:
        if t % 13 < 2:
            yield env.family, env.snapshot()["records"][0]
        t += 1
        if over:
            env.reset(seed=t)
            over = False
        else:
            over = any(env.step(env.action_space.sample())[2:4])


def test_all_pictures_have_the_declared_size(entry):
    seen = set()
    for i, (family, record) in enumerate(scenes(entry)):
        array = picture(family, record, reveal=i % 3 == 2)
        width, height = family.picture_size
        assert array.shape == (height, width, 3) and array.dtype == np.uint8
        seen.add(array.tobytes())
    assert len(seen) > 5


def test_the_same_state_gives_the_same_picture(entry):
    env, twin = entry.env_class(), entry.env_class()
    env.reset(seed=0)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    twin.restore(env.snapshot())
    for reveal in (False, True):
        array = env.picture(reveal)
        np.testing.assert_array_equal(array, twin.picture(reveal))
        np.testing.assert_array_equal(array, env.picture(reveal))


def test_text_lies_inside_the_picture_and_has_only_letters_of_the_font(entry, monkeypatch):
    written = []

    def text(canvas, x, y, string, size, fill, anchor="mm"):
        left, top, right, bottom = font(size).getbbox(string, anchor=anchor)
        written.append(string)
        assert x + left >= 0 and x + right <= canvas.width, string
        assert y + top >= 0 and y + bottom <= canvas.height, string

    monkeypatch.setattr(Canvas, "text", text)
    for family, record in scenes(entry):
        for reveal in (False, True):
            family.paint(Canvas(*family.picture_size), record, reveal)
    unknown = bytes(font(20).getmask("\uffff"))
    assert [c for c in set("".join(written)) if bytes(font(20).getmask(c)) == unknown] == []


def begin(env):
    """Begins an episode in each; where physics is hidden, some of its numbers are the same.

    Environments with equal seeds draw equal noise.
    """
    obs, _ = env.reset(seed=5)
    if "physics" in env.family.hidden:
        physics = env.snapshot()["records"]["physics"].copy()
        mixed = np.tile(physics[0], (env.num_envs, 1))
        for i in range(1, env.num_envs):
            at = i % mixed.shape[1]
            mixed[i, at] = physics[i, at]
        obs, _ = env.reset(seed=[5] * env.num_envs, options={"hidden": {"physics": mixed}})
    return obs


def rows_of(arrays):
    """Row i of all arrays, as bytes."""
    return [b"".join(array[i].tobytes() for array in arrays) for i in range(len(arrays[0]))]


def unlike(env, seen):
    """Up to three pairs that have seen the same and differ in what is hidden."""
    records, first = env.snapshot()["records"], {}
    pairs = ((first.setdefault(key, i), i) for i, key in enumerate(seen))
    drawn = rows_of([records[key] for key in env.family.hidden])
    for a, b in [(a, b) for a, b in pairs if drawn[a] != drawn[b]][:3]:
        yield env.family, records[a], records[b]


def twins(entry):
    """Pairs of records whose player has seen the same, though different things are hidden."""
    env = entry.vector_class(128, autoreset_mode="SameStep")
    env.single_action_space.seed(1)
    only_now = entry.family.__name__.removesuffix("Family") in ONLY_NOW
    obs, seen = begin(env), [b""] * env.num_envs
    over = [np.zeros(env.num_envs, bool)] * 2
    for t in range(60):
        now = rows_of([*(obs if isinstance(obs, tuple) else (obs,)), *over])
        seen = [(b"" if only_now else old) + new for old, new in zip(seen, now, strict=True)]
        if t in (0, 1, 3, 57):
            yield from unlike(env, seen)
        action = env.single_action_space.sample()
        obs, _, *over, _ = env.step(np.stack([action] * env.num_envs))


def test_a_picture_shows_what_is_hidden_only_to_reveal_it(entry):
    differences = []
    for family, a, b in twins(entry):
        np.testing.assert_array_equal(picture(family, a), picture(family, b))
        differences.append((picture(family, a, True) != picture(family, b, True)).any())
    assert any(differences)
