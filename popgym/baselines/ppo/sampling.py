"""One batch of tapes from all runners at the same time."""

from __future__ import annotations

from typing import Any

from ray.rllib.env.env_runner_group import EnvRunnerGroup

from popgym.baselines.ppo.rollout import Fault, Tape


def sample_tapes(
    group: EnvRunnerGroup, steps: int, steps_made: int, timeout: float | None
) -> tuple[list[Tape], list[dict[str, Any]]]:
    """Let all runners play until there are ``steps`` environment steps.

    That takes one round, or more when a runner is lost.

    Args:
        group: The runners; without remote ones the local one plays.
        steps: How many steps are wanted.
        steps_made: Steps of the whole run so far.
        timeout: Seconds after which a round goes on without the runners that have not answered.

    Returns:
        The tapes and the runners' metrics; fewer steps, or none, if no runner answers.

    Raises:
        BrokenEnvironmentError: If an environment fails.
    """
    tapes: list[Tape] = []
    metrics: list[dict[str, Any]] = []
    sampled = 0
    while sampled < steps:
        answers = _round(group, steps_made + sampled, timeout)
        if not answers:
            break
        for (tape,), measured in answers:
            if isinstance(tape, Fault):
                raise tape.error
            tapes.append(tape)
            metrics.append(measured)
            sampled += tape.env_steps()
    return tapes, metrics


def _round(group: EnvRunnerGroup, steps_made: int, timeout: float | None) -> list[Any]:
    if not group.num_remote_workers():
        return [_play(group.local_env_runner, steps_made)]
    return group.foreach_env_runner(
        _play,
        kwargs={"steps_made": steps_made},
        local_env_runner=False,
        timeout_seconds=timeout,
    )


def _play(runner: Any, steps_made: int) -> tuple[list[Tape | Fault], dict[str, Any]]:
    # Ray may have restarted the runner, which then knows of no steps.
    runner.note_steps_made(steps_made)
    return runner.sample(), runner.get_metrics()
