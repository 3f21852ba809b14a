"""``popgym.train`` and ``popgym.resume``, which train a policy and write a run folder."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)
from tensorboardX import SummaryWriter

import popgym.envs
from popgym.baselines.build import running_algorithm
from popgym.baselines.checks import check
from popgym.baselines.given import named, source_again
from popgym.baselines.network import policy_spec
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.remote import cause_of
from popgym.baselines.rows import progress_row, to_tensorboard
from popgym.runs.curve import draw_curve
from popgym.runs.errors import RunError
from popgym.runs.folder import CURVE, RunFolder
from popgym.runs.interrupts import Interrupts
from popgym.runs.names import resolve
from popgym.runs.policy import Policy
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.progress import progress_display
from popgym.runs.settings import Settings, merge
from popgym.runs.source import Env, Source, is_given, source_of

_PATIENCE = 10  # iterations in a row without an answer from any runner


@dataclass(frozen=True)
class Run:
    """A run that is complete or was interrupted."""

    folder: RunFolder
    interrupted: bool = False

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of progress.csv."""
        return self.folder.rows()

    @property
    def final_return(self) -> float | None:
        """Mean return of the last iteration in which an episode ended; None if no episode ended."""
        ended = [r["return_mean"] for r in self.rows if r.get("return_mean") is not None]
        return ended[-1] if ended else None

    def policy(self) -> Policy:
        """Return the trained policy."""
        return self.folder.policy()


def train(
    env: Env,
    memory: str = Settings.memory,
    *,
    out: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Train a policy.

    Args:
        env: A popgym environment, a Gymnasium id, ``module:Class``, or a callable that makes an
            environment, such as ``lambda: MyEnv(3)``.
        memory: A popgym memory, or ``module:Class``.
        out: The run folder. None means a new one in ``runs/``.
        progress: Whether to display progress on standard error.
        **settings: See ``popgym.runs.settings.Settings``; for example ``steps=1_000_000``,
            ``memory_options={"stack_size": 8}``.

    Returns:
        The run. Its field ``interrupted`` is true if Ctrl-C ended it.

    Raises:
        ValueError: If a name is unknown or a value is out of range.
        TypeError: If a value has the wrong type, for example an environment instance.
        RunError: If an environment fails, or the loss is no longer finite.
    """
    source = source_of(env)
    chosen = Settings.from_dict(merge({"env": source.name, "memory": memory}, settings))
    source = named(source, chosen)
    chosen = replace(chosen, env=source.name).resolved()
    folder = RunFolder.create(check(chosen, source), out)
    return _train(folder, source, resumed=False, progress=progress)


def resume(
    path: str | Path, env: Env | None = None, *, steps: int | None = None, progress: bool = True
) -> Run:
    """Resume a run from its last checkpoint.

    In one process, popgym's environments continue the episodes that had begun at the checkpoint.
    Other environments, and all environments of remote runners, start new episodes, which the run
    has not played before.

    Args:
        path: The run folder.
        env: The callable, if the run was trained on one. It must be given again, because a run
            folder cannot store it.
        steps: A new total number of environment steps. None keeps the run's own.
        progress: As in ``train``.

    Returns:
        The run, as in ``train``.

    Raises:
        ValueError: If there is no run or no checkpoint, or one of them is damaged.
        RunError: As in ``train``.
    """
    folder = RunFolder.open(path)
    folder.latest_checkpoint()
    source = source_again(folder, env)
    steps = folder.settings.steps if steps is None else steps
    check(replace(folder.settings, steps=steps), source)
    folder.extend(steps)
    return _train(folder, source, resumed=True, progress=progress)


def _train(folder: RunFolder, source: Source, *, resumed: bool, progress: bool) -> Run:
    """Train until the run is complete or interrupted.

    A run that fails before its first row of progress leaves no files behind.
    """
    settings = folder.settings
    try:
        with running_algorithm(settings, source) as algorithm, Interrupts() as interrupts:
            if resumed:
                _restore(algorithm, folder)
            interrupted = _loop(algorithm, folder, interrupts, progress)
    except BaseException as error:
        folder.discard_if_empty()
        cause = cause_of(error)
        if isinstance(cause, RunError) and folder.rows():
            raise type(cause)(f"{cause}; {_advice(folder)}") from error
        if cause is not error:
            raise cause from error
        raise
    return Run(folder, interrupted)


def _restore(algorithm: RecurrentPPO, folder: RunFolder) -> None:
    """Restore the algorithm and progress.csv from the last checkpoint."""
    iteration, checkpoint = folder.latest_checkpoint()
    try:
        algorithm.restore_from_path(str(checkpoint.resolve()))
    except Exception as error:
        if isinstance(cause_of(error), RunError):
            raise
        raise ValueError(
            f"{checkpoint} is damaged ({type(error).__name__}: {error}): delete it to resume from "
            "the previous checkpoint, if there is one, or train again"
        ) from error
    folder.keep_rows(iteration)


def _loop(
    algorithm: RecurrentPPO, folder: RunFolder, interrupts: Interrupts, progress: bool
) -> bool:
    """Train until all steps are made, and return whether the run was interrupted before that."""
    settings = folder.settings
    saved, iteration, steps = 0, algorithm.iteration, _steps_made(algorithm)
    if steps >= settings.steps:
        warnings.warn(
            f"{folder.path} has made {steps:,} steps already; choose a larger --steps to continue",
            stacklevel=4,
        )
    began = time.monotonic() - max((row["seconds"] for row in folder.rows()), default=0.0)
    show = progress_display(settings.steps, steps) if progress else contextlib.nullcontext()
    # TensorBoard drops what it has of later steps, which were made before a crash.
    purge = {"purge_step": steps + 1} if steps else {}
    writer = SummaryWriter(str(folder.path), flush_secs=10, **purge)
    try:
        with show as display:
            while steps < settings.steps and not interrupts.came:
                result = _iterate(algorithm)
                row = progress_row(result, time.monotonic() - began, settings.eval_every)
                iteration, steps = row["iteration"], row["steps"]
                folder.append(row)
                to_tensorboard(writer, row)
                if display is not None:
                    display.update(row)
                if iteration % settings.checkpoint_every == 0:
                    save(algorithm, folder, iteration)
                    saved = iteration
    except KeyboardInterrupt:
        pass  # the second Ctrl-C; what was learned so far is saved below
    finally:
        writer.close()
    if not iteration:
        raise KeyboardInterrupt
    if saved != iteration:
        save(algorithm, folder, iteration)
    _finish(folder)
    return steps < settings.steps


def _steps_made(algorithm: RecurrentPPO) -> int:
    counter = (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
    return int(algorithm.metrics.peek(counter, default=0))


def _iterate(algorithm: RecurrentPPO) -> dict[str, Any]:
    """Train for one iteration in which the learner made updates.

    If a runner is lost, an iteration may have no data. RLlib restarts the runner, so the iteration
    is tried again.

    Raises:
        RunError: If no runner answers in several iterations in a row.
    """
    for _ in range(_PATIENCE):
        with np.errstate(all="ignore"):  # the learner checks for values that are not finite
            result = algorithm.train()
        if LEARNER_RESULTS in result:
            return result
    raise RunError(f"no runner answered {_PATIENCE} times in a row")


def _advice(folder: RunFolder) -> str:
    try:
        iteration, _ = folder.latest_checkpoint()
    except ValueError:
        return "there is no checkpoint: train again"
    return f"resume from iteration {iteration} with: popgym train --resume {folder.path}"


def save(algorithm: RecurrentPPO, folder: RunFolder, iteration: int) -> None:
    """Write a checkpoint and the policy to the run folder."""
    with folder.checkpoint(iteration) as path:
        algorithm.save_to_path(str(path.resolve()))
    folder.prune_checkpoints()
    folder.save_policy(trained_policy(algorithm, folder.settings))


def trained_policy(algorithm: RecurrentPPO, settings: Settings) -> Policy:
    """Return the learner's network as a policy that does not need Ray."""
    component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
    state = algorithm.learner_group.get_state(components=component)
    weights = state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]
    spec = policy_spec(settings, *algorithm.spaces[INPUT_ENV_SINGLE_SPACES])
    return policy_with(spec, weights)


def policy_with(spec: PolicySpec, weights: Mapping[str, Any]) -> Policy:
    """Return a policy with the weights of a ``MemoryModule``.

    Args:
        spec: The description of the network.
        weights: The module's state, as RLlib returns it.
    """
    tensors = {name.removeprefix("net."): torch.as_tensor(w) for name, w in weights.items()}
    return Policy(spec, spec.build_with(tensors))


def _finish(folder: RunFolder) -> None:
    settings = folder.settings
    title = f"{settings.env} · {settings.memory} · seed {settings.seed}"
    draw_curve(folder.path / CURVE, folder.rows(), title, _references(settings))


def _references(settings: Settings) -> dict[str, float]:
    """Return the mean returns of the reference players of the run's environment.

    There are none if the environment is not popgym's, or its options or wrappers change it.
    """
    changed = settings.env_options or settings.wrappers
    target = None if changed or is_given(settings.env) else resolve(settings.env)
    if not isinstance(target, str) or not target.startswith("popgym-"):
        return {}
    scores = popgym.envs.reference_scores(target) or {}
    return {player: score.mean for player, score in scores.items()}
