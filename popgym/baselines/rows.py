"""Turns RLlib's result of an iteration into a row of progress.csv and TensorBoard scalars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EVALUATION_RESULTS,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

from popgym.baselines.ppo.runner import EPISODES, RETURN_SUM
from popgym.baselines.tensorboard import Events

_LEARNER_COLUMNS = {
    "policy_loss": "policy_loss",
    "value_loss": "vf_loss",
    "explained_variance": "vf_explained_var",
    "entropy": "entropy",
    "kl": "mean_kl_loss",
}


def progress_row(result: Mapping[str, Any], seconds: float, eval_every: int) -> dict[str, Any]:
    """Return the row of progress.csv for an iteration.

    Args:
        result: RLlib's result of the iteration.
        seconds: Seconds since the run began.
        eval_every: Iterations between evaluations; 0 if there are none.
    """
    played, learned = result[ENV_RUNNER_RESULTS], result[LEARNER_RESULTS][DEFAULT_MODULE_ID]
    episodes = played.get(EPISODES, 0)  # NaN if none ended
    episodes = int(episodes) if episodes > 0 else 0
    row: dict[str, Any] = {
        "iteration": result["training_iteration"],
        "steps": int(played[NUM_ENV_STEPS_SAMPLED_LIFETIME]),
        "seconds": round(seconds, 3),
        "episodes": episodes,
        "return_mean": played[RETURN_SUM] / episodes if episodes else None,
        "length_mean": played["episode_len_mean"] if episodes else None,
    }
    # RLlib repeats the results of an evaluation until the next one.
    evaluated = eval_every and row["iteration"] % eval_every == 0
    latest = result.get(EVALUATION_RESULTS, {}).get(ENV_RUNNER_RESULTS, {})
    # It has none if it was broken off.
    row["eval_return"] = _defined(latest.get("episode_return_mean")) if evaluated else None
    for column, key in _LEARNER_COLUMNS.items():
        row[column] = _defined(learned.get(key))
    return row


def _defined(value: Any) -> float | None:
    """Return a value, or None if it is undefined in this iteration."""
    number = np.nan if value is None else float(np.asarray(value))
    return number if np.isfinite(number) else None


def to_tensorboard(events: Events, row: Mapping[str, Any]) -> None:
    """Write the values of a row to TensorBoard, against environment steps."""
    for name, value in row.items():
        if value is not None and name not in ("iteration", "steps"):
            events.add_scalar(name, value, row["steps"])
