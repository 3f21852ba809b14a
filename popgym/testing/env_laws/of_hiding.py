"""Laws about hidden state: a reset accepts it as an option, and pictures do not reveal it."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from popgym.core.family import Family
from popgym.core.layout import element
from popgym.core.rules import Record
from popgym.render.canvas import picture
from popgym.testing.env_laws.comparison import Unlawful, expect, expect_refusal, in_short, same
from popgym.testing.env_laws.trial import Trial, carry_on, expect_same

Draw = Callable[[Record, bool], Any]


def a_hidden_draw_can_be_given(trial: Trial) -> None:
    """Check that a reset with another episode's hidden fields reproduces that episode."""
    _expect_that_draws_are_legal(trial)
    actions = trial.actions(trial.steps(200))
    for seed in range(3):
        drawn: Any = trial.single()
        given: Any = trial.single()
        drawn.reset(seed=seed)
        hidden = _hidden(trial, drawn)
        given.reset(seed=100 + seed, options={"hidden": hidden})
        kept = _hidden(trial, given)
        changed = [key for key in hidden if not same(hidden[key], kept[key])]
        expect(not changed, f"a reset with given hidden fields changes {changed}")
        _share_the_stream(drawn, given)
        message = (
            "a reset with given hidden fields differs from the reset that drew the same fields"
        )
        state, want = given.get_state(), drawn.get_state()
        expect(
            same(state, want), f"{message}: its state is {in_short(state)}, not {in_short(want)}"
        )
        expect_same(carry_on(given, actions), carry_on(drawn, actions), message)


def _expect_that_draws_are_legal(trial: Trial) -> None:
    many = trial.many(64)
    many.reset(seed=1)
    records = many.snapshot()["records"]
    try:
        many.reset(options={"hidden": {key: records[key] for key in trial.task.hidden}})
    except ValueError as error:
        expect(False, f"hidden fields that the family drew itself are refused: {error}")


def _hidden(trial: Trial, env: Any) -> dict[str, np.ndarray]:
    records = env.snapshot()["records"]
    return {key: records[key][0].copy() for key in trial.task.hidden}


def _share_the_stream(one: Any, other: Any) -> None:
    """Give two environments the same random stream from now on."""
    for env in (one, other):
        snapshot = env.snapshot()
        snapshot["records"]["rng"] = 7
        env.restore(snapshot)


def wrong_hidden_draws_are_refused(trial: Trial) -> None:
    """Check that invalid hidden fields raise a ValueError and leave the environment unchanged."""
    actions = trial.actions(20)
    env: Any = trial.single()
    twin: Any = trial.single()
    for one in (env, twin):
        one.reset(seed=1)
    hidden = _hidden(trial, env)
    wrong: dict[str, Any] = {"not a dict": 7, "an unknown key": {**hidden, "no such key": 1}}
    for key, value in hidden.items():
        rest = {k: v for k, v in hidden.items() if k != key}
        wrong[f"without {key!r}"] = rest
        for bad in ("a word", value[None], *_beyond(value)):
            wrong[f"{key!r}: {in_short(bad)}"] = {**rest, key: bad}
    for name, draw in wrong.items():
        before = env.snapshot()
        options = {"hidden": draw}
        expect_refusal(
            lambda o=options: env.reset(options=o), f"a reset with invalid hidden fields ({name})"
        )
        message = (
            f"a reset with invalid hidden fields ({name}) was refused but changed the environment"
        )
        expect(same(env.snapshot(), before), message)
    message = "after a refused reset the environment behaves differently"
    expect_same(carry_on(env, actions), carry_on(twin, actions), message)


def _beyond(value: np.ndarray) -> list[np.ndarray]:
    """Return arrays of the right shape with values that the field cannot hold, NaN or infinity."""
    if value.dtype.kind == "f":
        return [np.full(value.shape, np.nan), np.full(value.shape, np.inf)]
    top = int(np.iinfo(value.dtype).max) if value.dtype.kind in "iu" else 1
    beyond = np.full(value.shape, top + 1 if top < 2**63 - 1 else -(2**63))
    return [beyond, np.full(value.shape, 0.5)]


def texts_hide_and_reveal(trial: Trial) -> None:
    """Check that ``draw`` never fails, hides the hidden state, and reveals it on request."""
    family = trial.task
    _expect_hiding(trial, family.draw, 24, 8)
    _expect_revealing(trial, family.draw)
    expect(isinstance(family.draw(_unplayed(family)), str), "draw must return a str")


def pictures_hide_and_reveal(trial: Trial) -> None:
    """Check the same for pictures, if the family has any."""
    family = trial.task
    if type(family).paint is Family.paint or importlib.util.find_spec("PIL") is None:
        return

    def paint(record: Record, reveal: bool = False) -> np.ndarray:
        return picture(family, record, reveal)

    _expect_hiding(trial, paint, 3, 3)
    _expect_revealing(trial, paint)
    width, height = family.picture_size
    shape = paint(_unplayed(family)).shape
    expect(
        shape == (height, width, 3),
        f"picture_size {(width, height)} needs shape {(height, width, 3)}, got {shape}",
    )


def _unplayed(family: Family) -> Record:
    """Return the record of an environment before its first reset; it must be drawable, too."""
    return np.zeros(1, family.record_type())[0]


def _expect_hiding(trial: Trial, draw: Draw, count: int, plays: int) -> None:
    """Check that environments with the same history of observations have the same picture."""
    env = trial.many(count, AutoresetMode.NEXT_STEP)
    space, places = env.single_observation_space, range(count)
    message = "two environments with the same observations and rewards so far are drawn differently"
    for seed in range(plays):
        obs, _ = env.reset(seed=seed)
        shown = [repr(element(space, obs, i)) for i in places]
        playing = np.ones(count, bool)
        for action in trial.actions(8, seed):
            records, seen = env.snapshot()["records"], dict[str, Any]()
            for i in np.flatnonzero(playing).tolist():
                drawing = draw(records[i], False)
                other = seen.setdefault(shown[i], drawing)
                if not same(drawing, other):
                    raise Unlawful(f"{message}: {in_short(drawing)} and {in_short(other)}")
            obs, rewards, terminated, truncated, _ = env.step(np.stack([action] * count))
            playing &= ~(terminated | truncated)
            shown = [repr((shown[i], element(space, obs, i), rewards[i])) for i in places]


def _expect_revealing(trial: Trial, draw: Draw) -> None:
    """Check that revealing changes the picture at some step, if anything is hidden."""
    env: Any = trial.single()
    env.reset(seed=1)
    for action in trial.actions(trial.steps(500) if trial.task.hidden else 0):
        record = env.snapshot()["records"][0]
        if not same(draw(record, True), draw(record, False)):
            return
        if carry_on(env, [action])[0][2:4] != (False, False):
            env.reset()
    expect(not trial.task.hidden, "reveal=True never shows more than reveal=False")
