"""Laws of many environments of a family: each lives as if it were alone."""

import functools

from gymnasium.vector import AutoresetMode

from popgym.core.kernel import interpreted
from popgym.testing.env_laws.trial import Trial, expect_same, lives, play

SEEDS = (11, 5, 8)


def neighbours_change_nothing(trial: Trial) -> None:
    """What environment i lives through does not depend on how many others there are."""
    actions = [trial.actions(trial.steps(60), seed) for seed in range(7)]
    few, more = (lives(trial.many(n), actions[:n], len(actions[0]), seed=1) for n in (2, 7))
    for i, (a, b) in enumerate(zip(few, more, strict=False)):
        expect_same(a, b, f"environment {i} of 2 lives differently from environment {i} of 7")


def the_place_changes_nothing(trial: Trial) -> None:
    """Of environments with a seed each, each lives as its seed has it, wherever it is."""
    actions = [trial.actions(trial.steps(60), seed) for seed in SEEDS]
    there = lives(trial.many(3), actions, len(actions[0]), seed=list(SEEDS))
    back = lives(trial.many(3), actions[::-1], len(actions[0]), seed=list(SEEDS[::-1]))
    for i, (a, b) in enumerate(zip(back[::-1], there, strict=True)):
        message = f"an environment with the seed {SEEDS[i]} lives differently in another place"
        expect_same(a, b, message)


def one_lives_as_among_many(trial: Trial) -> None:
    """A single environment lives through the same as one of many with its seed."""
    actions = [trial.actions(trial.steps(200), seed) for seed in SEEDS]
    together = lives(trial.many(3), actions, len(actions[0]), seed=list(SEEDS))
    for seed, chosen, among in zip(SEEDS, actions, together, strict=True):
        alone = play(trial.single(), chosen, seed=seed)
        expect_same(among, alone, f"one of many environments (seed {seed}) differs from one alone")


def autoreset_modes_agree(trial: Trial) -> None:
    """In every autoreset mode the same episodes follow each other, to their last observations."""
    steps = trial.steps(1200)
    actions = [trial.actions(steps, seed) for seed in range(3)]
    plays = {mode: lives(trial.many(3, mode), actions, steps, seed=1) for mode in AutoresetMode}
    want = plays.pop(AutoresetMode.DISABLED)
    for mode, lived in plays.items():
        for i, (a, b) in enumerate(zip(lived, want, strict=True)):
            message = f"environment {i} in mode {mode.value} lives differently from mode Disabled"
            expect_same(a, b, message)


def threads_change_nothing(trial: Trial) -> None:
    """Environments shared out among threads live through the same."""
    actions = [trial.actions(trial.steps(60), seed) for seed in range(5)]
    one, shared = (
        lives(trial.many(5, AutoresetMode.SAME_STEP, threads), actions, len(actions[0]), seed=1)
        for threads in (False, True)
    )
    for i, (a, b) in enumerate(zip(shared, one, strict=True)):
        expect_same(a, b, f"with threads environment {i} lives differently")


def compiled_rules_play_as_plain_ones(trial: Trial) -> None:
    """The rules do the same compiled and, as under a debugger, uncompiled."""
    steps = trial.steps(60)
    actions = [trial.actions(steps, seed) for seed in range(2)]
    compiled, plain = (trial.many(2, AutoresetMode.SAME_STEP) for _ in range(2))
    plain._batch._kernel = functools.partial(interpreted, trial.task.rules)
    want = lives(plain, actions, steps, seed=1)
    for a, b in zip(lives(compiled, actions, steps, seed=1), want, strict=True):
        expect_same(a, b, "the compiled rules (not the uncompiled ones) play differently")
