"""``popgym.train``: from names and numbers to a run folder with a trained policy."""

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
from popgym.runs.policy import Policy, PolicySpec
from popgym.runs.progress import progress_display
from popgym.runs.settings import Settings, merge
from popgym.runs.source import Env, Source, is_given, source_of

_PATIENCE = 10  # iterations in which no runner may answer


@dataclass(frozen=True)
class Run:
    """A run that has ended, or was interrupted."""

    folder: RunFolder
    interrupted: bool = False

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """progress.csv."""
        return self.folder.rows()

    @property
    def final_return(self) -> float | None:
        """Mean return of the last iteration in which an episode ended; None: none ever did."""
        ended = [r["return_mean"] for r in self.rows if r.get("return_mean") is not None]
        return ended[-1] if ended else None

    def policy(self) -> Policy:
        """The trained policy."""
        return self.folder.policy()


def train(
    env: Env,
    memory: str = Settings.memory,
    *,
    out: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Trains an agent.

    Args:
        env: an environment of popgym, a Gymnasium id, ``module:Class``, or a callable that makes
            an environment, as ``lambda: MyEnv(3)``.
        memory: a memory of popgym, or ``module:Class``.
        out: the run folder; by default a new one in ``runs/``.
        progress: whether to show how it goes on standard error.
        **settings: see `popgym.runs.settings.Settings`, for example ``steps=1_000_000``,
            ``memory_options={"stack_size": 8}``.

    Returns:
        The run; ``interrupted`` is set when Ctrl-C ended it.

    Raises:
        ValueError: for an unknown name or a value out of range.
        TypeError: for a value of the wrong type, such as an environment already made.
        RunError: when an environment fails or the loss stops being finite.
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
    """Goes on with a run from its last checkpoint.

    In one process, popgym's environments go on with the episodes under way; others, and all
    environments of remote runners, begin new ones, which the run has not played before.

    Args:
        path: the run folder.
        env: the callable once more, if the run was trained on one; a run folder cannot keep it.
        steps: a new total of environment steps; None keeps the run's own.
        progress: as in `train`.

    Raises:
        ValueError: when there is no run or no checkpoint, or one is damaged.
        RunError: as `train`.
    """
    folder = RunFolder.open(path)
    folder.latest_checkpoint()
    source = source_again(folder, env)
    steps = folder.settings.steps if steps is None else steps
    check(replace(folder.settings, steps=steps), source)
    folder.extend(steps)
    return _train(folder, source, resumed=True, progress=progress)


def _train(folder: RunFolder, source: Source, *, resumed: bool, progress: bool) -> Run:
    """The whole of a run; one that fails before its first row leaves nothing behind."""
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
    """Goes back to the last checkpoint, in the algorithm and in progress.csv."""
    iteration, checkpoint = folder.latest_checkpoint()
    try:
        algorithm.restore_from_path(str(checkpoint.resolve()))
    except Exception as error:
        if isinstance(cause_of(error), RunError):
            raise
        raise ValueError(
            f"{checkpoint} is damaged ({type(error).__name__}: {error}): delete it to go on from "
            "the checkpoint before, if there is one, or train anew"
        ) from error
    folder.keep_rows(iteration)


def _loop(
    algorithm: RecurrentPPO, folder: RunFolder, interrupts: Interrupts, progress: bool
) -> bool:
    """Trains until all steps are made; returns whether Ctrl-C came first."""
    settings = folder.settings
    saved, iteration, steps = 0, algorithm.iteration, _steps_made(algorithm)
    if steps >= settings.steps:
        warnings.warn(
            f"{folder.path} has made {steps:,} steps already; go on with a larger --steps",
            stacklevel=4,
        )
    began = time.monotonic() - max((row["seconds"] for row in folder.rows()), default=0.0)
    show = progress_display(settings.steps, steps) if progress else contextlib.nullcontext()
    # What TensorBoard has of later steps, from before a crash, it forgets.
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
        pass  # the second Ctrl-C: what was learned until now is kept
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
    """One iteration that has learned something; a lost runner is RLlib's to bring back.

    Raises:
        RunError: when no runner comes back.
    """
    for _ in range(_PATIENCE):
        with np.errstate(all="ignore"):  # the learner looks for what is not finite
            result = algorithm.train()
        if LEARNER_RESULTS in result:
            return result
    raise RunError(f"no runner answered {_PATIENCE} times in a row")


def _advice(folder: RunFolder) -> str:
    try:
        iteration, _ = folder.latest_checkpoint()
    except ValueError:
        return "there is no checkpoint yet: train anew"
    return f"go on from iteration {iteration} with: popgym train --resume {folder.path}"


def save(algorithm: RecurrentPPO, folder: RunFolder, iteration: int) -> None:
    """Writes a checkpoint and the policy."""
    with folder.checkpoint(iteration) as path:
        algorithm.save_to_path(str(path.resolve()))
    folder.prune_checkpoints()
    folder.save_policy(trained_policy(algorithm, folder.settings))


def trained_policy(algorithm: RecurrentPPO, settings: Settings) -> Policy:
    """The learner's network, free of Ray."""
    component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
    state = algorithm.learner_group.get_state(components=component)
    weights = state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]
    spec = policy_spec(settings, *algorithm.spaces[INPUT_ENV_SINGLE_SPACES])
    return policy_with(spec, weights)


def policy_with(spec: PolicySpec, weights: Mapping[str, Any]) -> Policy:
    """A policy with the weights of a `MemoryModule`, as RLlib hands them out."""
    tensors = {name.removeprefix("net."): torch.as_tensor(w) for name, w in weights.items()}
    return Policy(spec, spec.build_with(tensors))


def _finish(folder: RunFolder) -> None:
    settings = folder.settings
    title = f"{settings.env} · {settings.memory} · seed {settings.seed}"
    draw_curve(folder.path / CURVE, folder.rows(), title, _references(settings))


def _references(settings: Settings) -> dict[str, float]:
    """Floor and ceiling of a task, where they are known and its rules are the published ones."""
    changed = settings.env_options or settings.wrappers
    target = None if changed or is_given(settings.env) else resolve(settings.env)
    if not isinstance(target, str) or not target.startswith("popgym-"):
        return {}
    scores = popgym.envs.reference_scores(target) or {}
    return {player: score.mean for player, score in scores.items()}
