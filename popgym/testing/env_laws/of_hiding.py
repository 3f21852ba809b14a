"""Laws of what a family hides: its draws can be given, and its drawings do not tell them."""

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
    """Whatever a reset draws may be given to another, which then lives through the same."""
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
        expect(not changed, f"a reset with a given draw has changed {changed}")
        _share_the_stream(drawn, given)
        message = "a given draw leads to something else than the same drawn by chance"
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
        expect(False, f"a draw of the family's own is refused: {error}")


def _hidden(trial: Trial, env: Any) -> dict[str, np.ndarray]:
    records = env.snapshot()["records"]
    return {key: records[key][0].copy() for key in trial.task.hidden}


def _share_the_stream(one: Any, other: Any) -> None:
    """Lets two environments draw the same from now on."""
    for env in (one, other):
        snapshot = env.snapshot()
        snapshot["records"]["rng"] = 7
        env.restore(snapshot)


def wrong_hidden_draws_are_refused(trial: Trial) -> None:
    """A draw that cannot be is a ValueError, and the environment is as it was."""
    actions = trial.actions(20)
    env: Any = trial.single()
    twin: Any = trial.single()
    for one in (env, twin):
        one.reset(seed=1)
    hidden = _hidden(trial, env)
    wrong: dict[str, Any] = {"no dict": 7, "an unknown key": {**hidden, "no such key": 1}}
    for key, value in hidden.items():
        rest = {k: v for k, v in hidden.items() if k != key}
        wrong[f"no {key!r}"] = rest
        for bad in ("a word", value[None], *_beyond(value)):
            wrong[f"{key!r}: {in_short(bad)}"] = {**rest, key: bad}
    for name, draw in wrong.items():
        before = env.snapshot()
        options = {"hidden": draw}
        expect_refusal(lambda o=options: env.reset(options=o), f"the hidden draw with {name}")
        message = f"the hidden draw with {name} was refused, and yet changed something"
        expect(same(env.snapshot(), before), message)
    message = "after a hidden draw was refused something is different"
    expect_same(carry_on(env, actions), carry_on(twin, actions), message)


def _beyond(value: np.ndarray) -> list[np.ndarray]:
    """Values of the right shape that the record's field cannot hold, or that are no numbers."""
    if value.dtype.kind == "f":
        return [np.full(value.shape, np.nan), np.full(value.shape, np.inf)]
    top = int(np.iinfo(value.dtype).max) if value.dtype.kind in "iu" else 1
    beyond = np.full(value.shape, top + 1 if top < 2**63 - 1 else -(2**63))
    return [beyond, np.full(value.shape, 0.5)]


def texts_hide_and_reveal(trial: Trial) -> None:
    """`draw` never fails, hides what the player cannot know, and reveals it if asked to."""
    family = trial.task
    _expect_hiding(trial, family.draw, 24, 8)
    _expect_revealing(trial, family.draw)
    expect(isinstance(family.draw(_unplayed(family)), str), "draw must return a str")


def pictures_hide_and_reveal(trial: Trial) -> None:
    """What holds for texts holds for pictures, if the family paints any."""
    family = trial.task
    if type(family).paint is Family.paint or importlib.util.find_spec("PIL") is None:
        return

    def paint(record: Record, reveal: bool = False) -> np.ndarray:
        return picture(family, record, reveal)

    _expect_hiding(trial, paint, 3, 3)
    _expect_revealing(trial, paint)
    width, height = family.picture_size
    shape = paint(_unplayed(family)).shape
    expect(shape == (height, width, 3), f"picture_size is {(width, height)}, the shape {shape}")


def _unplayed(family: Family) -> Record:
    """The record of an environment that was never reset, which can be drawn too."""
    return np.zeros(1, family.record_type())[0]


def _expect_hiding(trial: Trial, draw: Draw, count: int, plays: int) -> None:
    """Expects the same drawing of all environments that have shown the same so far."""
    env = trial.many(count, AutoresetMode.NEXT_STEP)
    space, places = env.single_observation_space, range(count)
    message = "two environments that have shown the same so far are drawn differently"
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
    """Expects that revealing shows something at some time, if anything is hidden."""
    env: Any = trial.single()
    env.reset(seed=1)
    for action in trial.actions(trial.steps(500) if trial.task.hidden else 0):
        record = env.snapshot()["records"][0]
        if not same(draw(record, True), draw(record, False)):
            return
        if carry_on(env, [action])[0][2:4] != (False, False):
            env.reset()
    expect(not trial.task.hidden, "reveal=True shows no more than reveal=False")
