"""Laws for vector environments: each environment behaves as if it were alone."""

import functools

from gymnasium.vector import AutoresetMode

from popgym.core.kernel import interpreted
from popgym.testing.env_laws.trial import Trial, expect_same, lives, play

SEEDS = (11, 5, 8)


def neighbours_change_nothing(trial: Trial) -> None:
    """Check that environment i's trajectory does not depend on the number of environments."""
    actions = [trial.actions(trial.steps(60), seed) for seed in range(7)]
    few, more = (lives(trial.many(n), actions[:n], len(actions[0]), seed=1) for n in (2, 7))
    for i, (a, b) in enumerate(zip(few, more, strict=False)):
        expect_same(a, b, f"environment {i} of 2 behaves differently from environment {i} of 7")


def the_place_changes_nothing(trial: Trial) -> None:
    """Check that an environment's trajectory depends on its own seed and not on its index."""
    actions = [trial.actions(trial.steps(60), seed) for seed in SEEDS]
    there = lives(trial.many(3), actions, len(actions[0]), seed=list(SEEDS))
    back = lives(trial.many(3), actions[::-1], len(actions[0]), seed=list(SEEDS[::-1]))
    for i, (a, b) in enumerate(zip(back[::-1], there, strict=True)):
        message = f"an environment with seed {SEEDS[i]} behaves differently at another index"
        expect_same(a, b, message)


def one_lives_as_among_many(trial: Trial) -> None:
    """Check that a single environment behaves as one of a vector environment with its seed."""
    actions = [trial.actions(trial.steps(200), seed) for seed in SEEDS]
    together = lives(trial.many(3), actions, len(actions[0]), seed=list(SEEDS))
    for seed, chosen, among in zip(SEEDS, actions, together, strict=True):
        alone = play(trial.single(), chosen, seed=seed)
        expect_same(
            among, alone, f"seed {seed} gives other results in a vector environment than alone"
        )


def autoreset_modes_agree(trial: Trial) -> None:
    """Check that all autoreset modes give the same episodes, with their final observations."""
    steps = trial.steps(1200)
    actions = [trial.actions(steps, seed) for seed in range(3)]
    plays = {mode: lives(trial.many(3, mode), actions, steps, seed=1) for mode in AutoresetMode}
    want = plays.pop(AutoresetMode.DISABLED)
    for mode, lived in plays.items():
        for i, (a, b) in enumerate(zip(lived, want, strict=True)):
            message = (
                f"environment {i} behaves differently in mode {mode.value} and in mode Disabled"
            )
            expect_same(a, b, message)


def threads_change_nothing(trial: Trial) -> None:
    """Check that stepping in several threads does not change the results."""
    actions = [trial.actions(trial.steps(60), seed) for seed in range(5)]
    one, shared = (
        lives(trial.many(5, AutoresetMode.SAME_STEP, threads), actions, len(actions[0]), seed=1)
        for threads in (False, True)
    )
    for i, (a, b) in enumerate(zip(shared, one, strict=True)):
        expect_same(a, b, f"environment {i} behaves differently with threads")


def compiled_rules_play_as_plain_ones(trial: Trial) -> None:
    """Check that compiled rules and the same rules run by Python give the same results."""
    steps = trial.steps(60)
    actions = [trial.actions(steps, seed) for seed in range(2)]
    compiled, plain = (trial.many(2, AutoresetMode.SAME_STEP) for _ in range(2))
    plain._batch._kernel = functools.partial(interpreted, trial.task.rules)
    want = lives(plain, actions, steps, seed=1)
    for a, b in zip(lives(compiled, actions, steps, seed=1), want, strict=True):
        expect_same(a, b, "the compiled rules give other results than the uncompiled ones")
