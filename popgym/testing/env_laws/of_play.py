"""Laws for environments of a family: declaration, refused calls, snapshots and copies."""

import copy
import pickle
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from gymnasium.vector import AutoresetMode

from popgym.core.actions import limits
from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.testing.env_laws.comparison import expect, expect_refusal, in_short, same
from popgym.testing.env_laws.trial import LONGEST, Trial, carry_on, expect_same, play

NEEDED = (
    *("rules", "params", "fields", "hidden", "observation_space", "action_space", "state_space"),
    *("max_episode_length", "return_bounds"),
)


def the_declaration_is_complete(trial: Trial) -> None:
    """Check that a family sets all required attributes, for each of its presets."""
    family = type(trial.task)
    expect(
        bool(family.description()), f"{family.__name__} needs a docstring that describes the task"
    )
    versions: dict[str, dict[str, Any]] = {"v0": {}, **family.versions}
    tasks: dict[str, Family] = {"as given": trial.task}
    for level, preset in getattr(family, "presets", {}).items():
        for version, changes in versions.items():
            tasks[f"{level} {version}"] = family(**{**preset, **changes})
    for name, task in tasks.items():
        missing = [attribute for attribute in NEEDED if not hasattr(task, attribute)]
        expect(not missing, f"{family.__name__} ({name}) lacks {missing}; set them in __init__")
        _expect_sane(task)


def _expect_sane(task: Family) -> None:
    length, bounds = task.max_episode_length, task.return_bounds
    whole = isinstance(length, (int, np.integer)) and length >= 1
    expect(whole, f"max_episode_length must be a whole number of at least 1, got {length!r}")
    paired = isinstance(bounds, tuple) and len(bounds) == 2 and bounds[0] <= bounds[1]
    expect(paired, f"return_bounds must be (lowest, highest), got {bounds!r}")
    for key, field in task.hidden.items():
        expect(key in task.fields, f"hidden has the key {key!r}, which is not in fields")
        shape = task.record_type()[key].shape
        message = f"hidden[{key!r}] has shape {field.shape}, but fields[{key!r}] has shape {shape}"
        expect(tuple(field.shape) == shape, message)


def returns_lie_in_their_bounds(trial: Trial) -> None:
    """Check that the return of every episode is within ``return_bounds``."""
    low, high = trial.task.return_bounds
    margin = 1e-6 * max(1.0, abs(low), abs(high))
    for seed in range(5):
        actions = trial.actions(trial.steps(LONGEST), seed)
        habit = actions[:1] * len(actions)
        for chosen in (actions, habit):
            total = 0.0
            for shown in play(trial.single(), chosen, seed=seed):
                total += shown.reward
                over = shown.terminated or shown.truncated
                inside = low - margin <= total <= high + margin
                message = f"an episode returned {total:.6g}, outside return_bounds {(low, high)}"
                expect(inside or not over, message)
                total = 0.0 if over else total


def actions_outside_are_refused(trial: Trial) -> None:
    """Check that invalid actions raise a ValueError and leave the environment unchanged."""
    actions = trial.actions(20)
    env, twin = trial.single(), trial.single()
    for one in (env, twin):
        one.reset(seed=1)
    many = trial.many(3)
    many.reset(seed=1)
    for bad in _outside(trial.action_space, trial.task.clips_actions):
        _expect_kept(env, lambda bad=bad: env.step(bad), f"the action {bad!r}")
        rows = [actions[0], actions[0], bad]
        _expect_kept(many, lambda rows=rows: many.step(rows), f"the action {bad!r} in a batch")
    message = "after a refused action the environment behaves differently"
    expect_same(carry_on(env, actions), carry_on(twin, actions), message)


def _outside(space: Space, clips: bool) -> list[Any]:
    low, high = limits(space)
    bad: list[Any] = ["up", None, np.stack([low, low])]
    if isinstance(space, (Discrete, MultiDiscrete)):
        return [*bad, low - 1, high + 1, low + 0.5]
    if isinstance(space, Box) and not clips:
        finite = np.isfinite(space.low) & np.isfinite(space.high)
        bad += [low - 1, high + 1] if finite.all() else []
    return [*bad, np.full_like(low, np.nan), np.full_like(low, np.inf)]


def _expect_kept(env: Any, action: Any, what: str) -> None:
    """Check that an action raises a ValueError and changes nothing in the environment."""
    before = env.snapshot()
    expect_refusal(action, what)
    changed = [name for name, value in env.snapshot().items() if not same(value, before[name])]
    expect(not changed, f"{what} was refused but changed {changed}")


def steps_outside_an_episode_are_refused(trial: Trial) -> None:
    """Check that steps outside an episode raise a ValueError and change nothing."""
    env, actions = trial.single(), trial.actions(trial.limit or LONGEST)
    _expect_kept(env, lambda: env.step(actions[0]), "a step before the first reset")
    for mode in AutoresetMode:
        many = trial.many(2, mode)
        pair = np.stack(actions[:1] * 2)
        _expect_kept(many, lambda m=many, a=pair: m.step(a), "a step before the first reset")
    env.reset(seed=1)
    end = carry_on(env, actions, past=False)[-1]
    if end.terminated or end.truncated:
        _expect_kept(env, lambda: env.step(actions[0]), "a step after the end")
        env.reset()
        env.step(actions[0])


def the_parameters_stay(trial: Trial) -> None:
    """Check that the rules do not write into the parameters."""
    env = trial.many(2)
    before = env._batch._params.copy()
    actions = np.stack(trial.actions(2))
    env.reset(seed=1)
    env.step(actions)
    after = env._batch._params
    changed = [name for name in before.dtype.names or () if not same(before[name], after[name])]
    message = f"the rules write into the parameters {changed}; keep what changes in fields"
    expect(not changed, message)


def a_snapshot_brings_back_the_future(trial: Trial) -> None:
    """Check that an environment restored from a snapshot repeats what followed the snapshot."""
    before, after = trial.actions(7), trial.actions(trial.steps(150), seed=1)
    for played in (0, 7):
        env, other = trial.single(), trial.single()
        play(env, before[:played], seed=1)
        other.reset(seed=2)
        if _is_over(env):
            env.reset()
        snapshot: Any = pickle.loads(pickle.dumps(env.snapshot()))  # type: ignore[attr-defined]
        future = carry_on(env, after)
        for one, which in ((env, "the same"), (other, "another")):
            one.restore(snapshot)  # type: ignore[attr-defined]
            message = f"{which} environment restored from a snapshot at step {played} differs"
            expect_same(carry_on(one, after), future, message)


def _is_over(env: Any) -> bool:
    return bool(env.snapshot()["terminated"][0] | env.snapshot()["truncated"][0])


def copies_carry_on(trial: Trial) -> None:
    """Check that copies by ``pickle`` and ``copy.deepcopy`` behave as the original."""
    env = trial.single()
    play(env, trial.actions(5), seed=1)
    if _is_over(env):
        env.reset()
    twins = {
        "pickle": pickle.loads(pickle.dumps(env)),
        "copy.deepcopy": copy.deepcopy(env),
    }
    actions = trial.actions(trial.steps(100), seed=1)
    future = carry_on(env, actions)
    for how, twin in twins.items():
        kind = isinstance(twin, POPGymEnv)
        expect(kind, f"a copy by {how} must be a POPGymEnv, got {in_short(twin)}")
        expect_same(carry_on(twin, actions), future, f"a copy by {how} behaves differently")
