"""Sampling from all runners at the same time."""

from __future__ import annotations

from typing import Any

from ray.rllib.env.env_runner_group import EnvRunnerGroup

from popgym.baselines.ppo.rollout import Fault, Rollout


def sample_rollouts(
    group: EnvRunnerGroup, steps: int, steps_made: int, timeout: float | None
) -> tuple[list[Rollout], list[dict[str, Any]]]:
    """Collect rollouts from all runners until there are ``steps`` environment steps.

    That takes one round, or more if a runner is lost.

    Args:
        group: The runners; without remote ones the local one plays.
        steps: How many steps are wanted.
        steps_made: Steps of the whole run so far.
        timeout: Seconds after which a round goes on without the runners that have not answered.

    Returns:
        The rollouts and the runners' metrics; fewer steps, or none, if no runner answers.

    Raises:
        BrokenEnvironmentError: If an environment fails.
    """
    rollouts: list[Rollout] = []
    metrics: list[dict[str, Any]] = []
    sampled = 0
    while sampled < steps:
        answers = _round(group, steps_made + sampled, timeout)
        if not answers:
            break
        for (rollout,), measured in answers:
            if isinstance(rollout, Fault):
                raise rollout.error
            rollouts.append(rollout)
            metrics.append(measured)
            sampled += rollout.env_steps()
    return rollouts, metrics


def _round(group: EnvRunnerGroup, steps_made: int, timeout: float | None) -> list[Any]:
    if not group.num_remote_workers():
        return [_play(group.local_env_runner, steps_made)]
    return group.foreach_env_runner(
        _play,
        kwargs={"steps_made": steps_made},
        local_env_runner=False,
        timeout_seconds=timeout,
    )


def _play(runner: Any, steps_made: int) -> tuple[list[Rollout | Fault], dict[str, Any]]:
    # Ray may have restarted the runner, which then knows of no steps.
    runner.note_steps_made(steps_made)
    return runner.sample(), runner.get_metrics()
