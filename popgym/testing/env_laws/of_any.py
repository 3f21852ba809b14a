"""Laws for every gymnasium environment, whether it is popgym's or not."""

import copy
import random
from typing import Any

import numpy as np

from popgym.testing.env_laws.comparison import Unlawful, expect, fault, in_short, same
from popgym.testing.env_laws.trial import LONGEST, SEED, Trial, begin, carry_on, expect_same, play

SEEDS = range(8)


def it_has_gymnasiums_interface(trial: Trial) -> None:
    """Check the types of what ``reset`` and ``step`` return."""
    env = trial.single()
    result = env.reset(seed=1)
    expect(
        isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict),
        f"reset must return (observation, info), got {in_short(result)}",
    )
    step = env.step(trial.actions(1)[0])
    parts = "(observation, reward, terminated, truncated, info)"
    five = isinstance(step, tuple) and len(step) == 5
    expect(five, f"step must return {parts}, got {in_short(step)}")
    _, reward, *over, info = step
    number = isinstance(reward, (int, float, np.integer, np.floating))
    expect(number, f"the reward must be a number, got {in_short(reward)}")
    for name, flag in zip(("terminated", "truncated"), over, strict=True):
        true_or_false = isinstance(flag, (bool, np.bool_))
        expect(true_or_false, f"{name} must be True or False, got {in_short(flag)}")
    expect(isinstance(info, dict), f"info must be a dict, got {in_short(info)}")


def observations_lie_in_their_space(trial: Trial) -> None:
    """Check that observations are in ``observation_space``, with its dtype and shape."""
    env = trial.single()
    for t, shown in enumerate(play(env, trial.actions(trial.steps(500)), seed=1)):
        why = fault(env.observation_space, shown.observation)
        if why is not None:
            raise Unlawful(f"observation {t} is not in {env.observation_space}: {why}")


def rewards_are_finite(trial: Trial) -> None:
    """Check that no reward is infinite or NaN."""
    for t, shown in enumerate(play(trial.single(), trial.actions(trial.steps(500)), seed=1)):
        expect(
            bool(np.isfinite(shown.reward)), f"rewards must be finite, reward {t} is {shown.reward}"
        )


def the_global_random_numbers_are_left_alone(trial: Trial) -> None:
    """Check that the environment neither uses nor seeds ``random`` and ``numpy.random``."""
    kept: tuple[Any, Any] = random.getstate(), np.random.get_state()
    try:
        random.seed(SEED)  # not the environment's seed, so that seeding by it changes their state
        np.random.seed(SEED)
        before: tuple[Any, Any] = random.getstate(), np.random.get_state()
        play(trial.single(), trial.actions(trial.steps(200)), seed=1)
        after: tuple[Any, Any] = random.getstate(), np.random.get_state()
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
    for name, a, b in zip(("random", "numpy.random"), after, before, strict=True):
        message = f"the environment draws from {name} or seeds it; use a generator of its own"
        expect(same(a, b), message)


def a_seed_decides_everything(trial: Trial) -> None:
    """Check that the seed and the actions determine everything that an environment returns."""
    actions = trial.actions(trial.steps(300))
    for seed in (0, 1):
        one, other = (play(trial.single(), actions, seed=seed) for _ in range(2))
        expect_same(other, one, f"two environments with seed {seed} and the same actions differ")


def an_episode_forgets_those_before(trial: Trial) -> None:
    """Check that a reset with a seed has the same result whatever was played before."""
    actions = trial.actions(trial.steps(300))
    fresh = play(trial.single(), actions, seed=3)
    used = trial.single()
    for before in (1, 7):
        play(used, trial.actions(before, seed=4), seed=5)
        again = play(used, actions, seed=3)
        expect_same(
            again, fresh, f"a reset with a seed after {before} steps differs from a new environment"
        )


def a_reset_without_a_seed_goes_on(trial: Trial) -> None:
    """Check that resets without a seed continue the stream of random numbers."""
    actions = trial.actions(20)

    def episodes(*seeds: int | None) -> list[Any]:
        env = trial.single()
        return [[begin(env, seed=seed), *carry_on(env, actions, past=False)] for seed in seeds]

    going_on, again = (episodes(0, *[None] * 7) for _ in range(2))
    for a, b in zip(going_on, again, strict=True):
        expect_same(a, b, "resets without a seed that follow the same seed differ")
    by_chance = not all(same(episodes(0)[0], episodes(seed)[0]) for seed in SEEDS)
    alike = all(same(going_on[0], other) for other in going_on[1:])
    message = "every reset without a seed repeats the same episode; it must not seed the generator"
    expect(not (by_chance and alike), message)


def episodes_end_in_time(trial: Trial) -> None:
    """Check that each episode is terminated or truncated within ``max_episode_length`` steps."""
    if trial.limit is None:
        return
    limit = trial.limit
    for seed in range(4):
        actions = trial.actions(min(limit, LONGEST), seed)
        # repeating one action can keep an episode going for longer than random actions
        habit = actions[:1] * len(actions)
        for chosen in (actions, habit):
            env = trial.single()
            shown = [begin(env, seed=seed), *carry_on(env, chosen, past=False)]
            ended = shown[-1].terminated or shown[-1].truncated
            message = f"an episode continues after {limit} steps, its maximum length"
            expect(ended or limit > LONGEST, message)


def what_was_returned_stays(trial: Trial) -> None:
    """Check that later steps do not write into observations that were returned before."""
    env = trial.single()
    returned = [env.reset(seed=1)[0]]
    kept = [copy.deepcopy(returned[0])]
    for action in trial.actions(12):
        observation, _, terminated, truncated, _ = env.step(action)
        returned.append(observation)
        kept.append(copy.deepcopy(observation))
        if terminated or truncated:
            break
    message = "a later step writes into an observation that was returned before; return a copy"
    expect(same(returned, kept), message)


def states_lie_in_their_space(trial: Trial) -> None:
    """Check that ``get_state()`` is in ``state_space``, also at the end of an episode."""
    if not trial.has_state:
        return
    env: Any = trial.single()
    for t, shown in enumerate(play(env, trial.actions(trial.steps(500)), seed=1)):
        why = fault(env.state_space, shown.state)
        if why is not None:
            raise Unlawful(f"state {t} is not in {env.state_space}: {why}")


def info_tells_nothing(trial: Trial) -> None:
    """Check that ``info`` is empty, so that it cannot reveal what observations hide."""
    if not trial.is_ours:
        return
    env = trial.single()
    _, info = env.reset(seed=1)
    for action in trial.actions(trial.steps(100)):
        expect(not info, f"info must be empty, got {in_short(info)}; see popgym.wrappers.Markovian")
        *_, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            expect(not info, f"info must be empty at the end, got {in_short(info)}")
            _, info = env.reset()
