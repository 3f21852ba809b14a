"""``popgym.train``: from names and numbers to a run folder with a trained policy."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EVALUATION_RESULTS,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)
from tensorboardX import SummaryWriter

import popgym.envs
from popgym.baselines.ppo import TapePPO, TapePPOConfig
from popgym.baselines.ppo.runner import EPISODES, RETURN_SUM
from popgym.memory.registry import find_memory
from popgym.runs.curve import draw_curve
from popgym.runs.environment import make_one, resolve
from popgym.runs.errors import RunError
from popgym.runs.folder import CURVE, RunFolder
from popgym.runs.interrupts import Interrupts
from popgym.runs.policy import Policy, PolicySpec
from popgym.runs.progress import progress_display
from popgym.runs.settings import Settings, merge

_PATIENCE = 10  # iterations in which no runner may answer

_LEARNER_COLUMNS = {
    "policy_loss": "policy_loss",
    "value_loss": "vf_loss",
    "explained_variance": "vf_explained_var",
    "entropy": "entropy",
    "kl": "mean_kl_loss",
}


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
    env: str,
    memory: str = "frameconv",
    *,
    out: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Trains an agent.

    Args:
        env: an environment of popgym, a Gymnasium id, or ``module:Class``.
        memory: a memory of popgym, or ``module:Class``.
        out: the run folder; by default a new one in ``runs/``.
        progress: whether to show how it goes on standard error.
        **settings: see `popgym.runs.settings.Settings`, for example ``steps=1_000_000``,
            ``memory_options={"stack_size": 8}``.

    Returns:
        The run; ``interrupted`` is set when Ctrl-C ended it.

    Raises:
        ValueError: for an unknown name or a value out of range.
        TypeError: for a value of the wrong type.
        RunError: when an environment fails or the loss stops being finite.
    """
    chosen = Settings.from_dict(merge({"env": env, "memory": memory}, settings)).resolved()
    check(chosen)
    return _train(RunFolder.create(chosen, out), resumed=False, progress=progress)


def resume(path: str | Path, *, steps: int | None = None, progress: bool = True) -> Run:
    """Goes on with a run from its last checkpoint.

    Args:
        path: the run folder.
        steps: a new total of environment steps; None keeps the run's own.
        progress: as in `train`.

    Raises:
        ValueError: when there is no run or no checkpoint, or one is damaged.
        RunError: as `train`.
    """
    folder = RunFolder.open(path)
    folder.latest_checkpoint()
    steps = folder.settings.steps if steps is None else steps
    check(replace(folder.settings, steps=steps))
    folder.extend(steps)
    return _train(folder, resumed=True, progress=progress)


def check(settings: Settings) -> None:
    """Finds the mistakes that can be found before anything is built; warns of doubtful choices.

    Raises:
        ValueError: for unknown names, unsupported spaces and options that do not fit.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda: torch sees no GPU here; use --device cpu")
    target = resolve(settings.env)
    find_memory(settings.memory)
    sample = _try_environment(settings)
    try:
        spec = _policy_spec(settings, sample.observation_space, sample.action_space)
        net = spec.build()
    finally:
        sample.close()
    if isinstance(target, str) and target.startswith("popgym-"):
        _warn_of_short_reach(settings, target, net.core.reach)


def _try_environment(settings: Settings) -> Any:
    try:
        return make_one(settings.env, settings.env_options)
    except (ValueError, RunError):
        raise
    except TypeError as error:
        options = settings.env_options
        raise ValueError(f"environment {settings.env} with {options}: {error}") from error
    except Exception as error:
        raise RunError(
            f"environment {settings.env} cannot be made: {type(error).__name__}: {error}"
        ) from error


def _warn_of_short_reach(settings: Settings, target: str, reach: int | None) -> None:
    needed = popgym.envs.memory_needed(target, **settings.env_options)
    if reach is not None and needed is not None and reach < needed:
        what = "stack_size" if settings.memory == "frameconv" else settings.memory
        size = f" {reach + 1}" if settings.memory == "frameconv" else ""
        remedy = (
            f"use --set memory.stack_size={needed + 1} or a recurrent memory"
            if settings.memory == "frameconv"
            else "choose another memory"
        )
        warnings.warn(
            f"{what}{size} cannot see {needed} steps back, as {settings.env} asks; {remedy}",
            stacklevel=4,
        )


def _policy_spec(settings: Settings, observation_space: Any, action_space: Any) -> PolicySpec:
    return PolicySpec(
        observation_space,
        action_space,
        settings.memory,
        settings.memory_options,
        settings.network,
        previous_action=settings.previous_action,
        start_flag=settings.start_flag,
    )


# ---- building


def algorithm_config(settings: Settings) -> TapePPOConfig:
    """The RLlib configuration of resolved settings, for ``build_algo()`` or Ray Tune."""
    s = settings
    assert s.num_envs is not None and s.minibatch_size is not None, "resolve first"
    learners = max(1, s.learners)
    env_config = {
        "options": s.env_options, "vectorization": s.vectorization,
        "previous_action": s.previous_action, "start_flag": s.start_flag,
    }  # fmt: skip
    config = (
        TapePPOConfig()
        .environment(s.env, env_config=env_config)
        .framework("torch")
        .env_runners(
            num_env_runners=s.runners,
            num_envs_per_env_runner=s.num_envs // max(1, s.runners),
            rollout_fragment_length=s.rollout,
        )
        .learners(num_learners=s.learners, num_gpus_per_learner=int(s.device == "cuda"))
        .rl_module(model_config={"memory": s.memory, **s.memory_options, **s.network})
        .training(
            train_batch_size_per_learner=s.batch_size // learners,
            minibatch_size=max(s.rollout, s.minibatch_size // learners),
            num_epochs=s.epochs, lr=s.lr, gamma=s.gamma, lambda_=s.gae_lambda,
            clip_param=s.clip, vf_clip_param=s.value_clip, vf_loss_coeff=s.value_coefficient,
            entropy_coeff=s.entropy_coefficient, use_kl_loss=s.kl_coefficient > 0,
            kl_coeff=s.kl_coefficient, kl_target=s.kl_target,
            grad_clip=s.grad_clip, grad_clip_by="global_norm", precision=s.precision,
        )
        .debugging(seed=s.seed, log_level="ERROR")
    )  # fmt: skip
    if s.eval_every:
        config.evaluation(
            evaluation_interval=s.eval_every,
            evaluation_duration=s.eval_episodes,
            evaluation_config={
                "explore": False,
                "num_envs_per_env_runner": min(s.num_envs, s.eval_episodes),
            },
        )
    return config


@contextlib.contextmanager
def _algorithm(settings: Settings) -> Iterator[TapePPO]:
    """A built algorithm, and what it needs of Ray, both put away at the end."""
    alone = not ray.is_initialized()
    if alone and (settings.runners or settings.learners):
        _start_ray(settings.runners + settings.learners + 1)
    algorithm = None
    try:
        with _quiet_ray():
            algorithm = algorithm_config(settings).build_algo()
        yield algorithm
    finally:
        if algorithm is not None:
            algorithm.stop()
        if alone:
            ray.shutdown()  # also what RLlib may have started unasked


def _start_ray(cpus: int) -> None:
    """Joins the cluster that RAY_ADDRESS names, or starts one on this machine."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        # Workers look for a user's module:Class where this process does.
        here = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": here}}
        options |= {"num_cpus": max(cpus, os.cpu_count() or 1), "include_dashboard": False}
    ray.init(**options)


@contextlib.contextmanager
def _quiet_ray() -> Iterator[None]:
    """RLlib greets with warnings about itself that a user can do nothing about."""
    loggers = [logging.getLogger(name) for name in ("ray", "ray.rllib")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


# ---- the loop


def _train(folder: RunFolder, *, resumed: bool, progress: bool) -> Run:
    """The whole of a run; one that fails before its first row leaves nothing behind."""
    try:
        with _algorithm(folder.settings) as algorithm, Interrupts() as interrupts:
            if resumed:
                _restore(algorithm, folder)
            interrupted = _loop(algorithm, folder, interrupts, progress)
    except BaseException as error:
        folder.discard_if_empty()
        if isinstance(error, RunError) and folder.rows():
            raise type(error)(f"{error}; {_advice(folder)}") from error
        raise
    return Run(folder, interrupted)


def _restore(algorithm: TapePPO, folder: RunFolder) -> None:
    """Goes back to the last checkpoint, in the algorithm and in progress.csv."""
    iteration, checkpoint = folder.latest_checkpoint()
    try:
        algorithm.restore_from_path(str(checkpoint.resolve()))
    except Exception as error:
        raise ValueError(
            f"{checkpoint} is damaged ({type(error).__name__}: {error}): delete it to go on from "
            "the checkpoint before, if there is one, or train anew"
        ) from error
    folder.keep_rows(iteration)


def _loop(algorithm: TapePPO, folder: RunFolder, interrupts: Interrupts, progress: bool) -> bool:
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
                row = _row(result, time.monotonic() - began, settings.eval_every)
                iteration, steps = row["iteration"], row["steps"]
                folder.append(row)
                _to_tensorboard(writer, row)
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


def _steps_made(algorithm: TapePPO) -> int:
    counter = (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
    return int(algorithm.metrics.peek(counter, default=0))


def _iterate(algorithm: TapePPO) -> dict[str, Any]:
    """One iteration that has learned something; a lost runner is RLlib's to bring back.

    Raises:
        RunError: when a learner is lost, or no runner comes back.
    """
    try:
        for _ in range(_PATIENCE):
            with np.errstate(all="ignore"):  # the learner looks for what is not finite
                result = algorithm.train()
            if LEARNER_RESULTS in result:
                return result
    except ray.exceptions.RayError as error:
        raise RunError(f"a Ray actor was lost ({type(error).__name__})") from error
    raise RunError(f"no runner answered {_PATIENCE} times in a row")


def _advice(folder: RunFolder) -> str:
    try:
        iteration, _ = folder.latest_checkpoint()
    except ValueError:
        return "there is no checkpoint yet: train anew"
    return f"go on from iteration {iteration} with: popgym train --resume {folder.path}"


def _row(result: Mapping[str, Any], seconds: float, eval_every: int) -> dict[str, Any]:
    """One row of progress.csv from RLlib's result of an iteration."""
    played, learned = result[ENV_RUNNER_RESULTS], result[LEARNER_RESULTS][DEFAULT_MODULE_ID]
    episodes = played.get(EPISODES, 0)  # NaN when none ended
    episodes = int(episodes) if episodes > 0 else 0
    row: dict[str, Any] = {
        "iteration": result["training_iteration"],
        "steps": int(played[NUM_ENV_STEPS_SAMPLED_LIFETIME]),
        "seconds": round(seconds, 3),
        "episodes": episodes,
        "return_mean": played[RETURN_SUM] / episodes if episodes else None,
        "length_mean": played["episode_len_mean"] if episodes else None,
    }
    # RLlib repeats its last evaluation until the next.
    evaluated = eval_every and row["iteration"] % eval_every == 0
    latest = result.get(EVALUATION_RESULTS, {}).get(ENV_RUNNER_RESULTS, {})
    row["eval_return"] = latest.get("episode_return_mean") if evaluated else None
    for column, key in _LEARNER_COLUMNS.items():
        row[column] = float(np.asarray(learned[key]))
    return row


def _to_tensorboard(writer: SummaryWriter, row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        if value is not None and name not in ("iteration", "steps"):
            writer.add_scalar(name, value, row["steps"])


def save(algorithm: TapePPO, folder: RunFolder, iteration: int) -> None:
    """Writes a checkpoint and the policy."""
    with folder.checkpoint(iteration) as path:
        algorithm.save_to_path(str(path.resolve()))
    folder.prune_checkpoints()
    folder.save_policy(trained_policy(algorithm, folder.settings))


def trained_policy(algorithm: TapePPO, settings: Settings) -> Policy:
    """The learner's network, free of Ray."""
    component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
    state = algorithm.learner_group.get_state(components=component)
    weights = state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]
    sample = make_one(settings.env, settings.env_options)
    spec = _policy_spec(settings, sample.observation_space, sample.action_space)
    sample.close()
    net = spec.build()
    tensors = {name.removeprefix("net."): torch.as_tensor(w) for name, w in weights.items()}
    net.load_state_dict(tensors)
    return Policy(spec, net)


def _finish(folder: RunFolder) -> None:
    settings = folder.settings
    title = f"{settings.env} · {settings.memory} · seed {settings.seed}"
    draw_curve(folder.path / CURVE, folder.rows(), title, _references(settings))


def _references(settings: Settings) -> dict[str, float]:
    """Floor and ceiling of a task, where they are known and its rules are the published ones."""
    target = resolve(settings.env)
    if not isinstance(target, str) or not target.startswith("popgym-") or settings.env_options:
        return {}
    scores = popgym.envs.reference_scores(target) or {}
    return {name: float(value) for name, value in scores.items() if value is not None}
