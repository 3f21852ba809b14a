"""The study's panel of tasks, and the variants of the settings that it compares."""

from __future__ import annotations

from typing import Any, NamedTuple

Settings = dict[str, Any]


class Task(NamedTuple):
    """A task of the panel.

    Scores are returns scaled so that ``floor`` becomes 0 and ``ceiling`` 1.
    """

    env: str
    memory: str
    steps: int
    floor: float
    ceiling: float
    settings: Settings | None = None

    @property
    def name(self) -> str:
        """The name in the table of rows."""
        return f"{self.env} {self.memory}"


PANEL = [
    Task("RepeatPreviousEasy", "frameconv", 20_000, -0.5, 1),
    Task("RepeatPreviousEasy", "gru", 60_000, -0.5, 1),
    Task(
        "RepeatPreviousMedium", "frameconv", 80_000, -0.5, 1,
        {"memory_options": {"stack_size": 33}},
    ),
    Task("PositionOnlyCartPoleEasy", "gru", 40_000, 0, 1),
    Task("NoisyPositionOnlyCartPoleMedium", "gru", 60_000, 0, 1),
    Task("CartPole-v1", "gru", 60_000, 0, 500),
    Task("Pendulum-v1", "gru", 80_000, -1500, -150),
]  # fmt: skip

TUNING_SEEDS = range(100, 110)
"""Seeds of the study. No other page reports scores of these seeds."""

# Every variant changes the default settings in one respect. Keys that begin with "adam." are
# options of the optimiser, which the settings do not have.
VARIANTS: dict[str, Settings] = {
    "default": {},
    "rewards as they are": {"normalise_rewards": False},
    "observations as they are": {"normalise_observations": False},
    "16 envs x 64": {"num_envs": 16, "rollout": 64, "minibatch_size": 256},
    "64 envs x 16": {"num_envs": 64, "rollout": 16},
    "32 envs x 64": {"num_envs": 32, "rollout": 64, "minibatch_size": 512},
    "128 envs x 32": {"num_envs": 128, "rollout": 32},
    "2 epochs": {"epochs": 2},
    "4 epochs": {"epochs": 4},
    "lr 5e-4": {"lr": 5e-4},
    "lr 2e-3": {"lr": 2e-3},
    "constant lr": {"lr_final": None},
    "minibatch 128": {"minibatch_size": 128},
    "minibatch 512": {"minibatch_size": 512},
    "lambda .8": {"gae_lambda": 0.8},
    "lambda .95": {"gae_lambda": 0.95},
    "gamma .98": {"gamma": 0.98},
    "gamma .995": {"gamma": 0.995},
    "value coefficient .1": {"value_coefficient": 0.1},
    "entropy .01": {"entropy_coefficient": 0.01},
    "no KL cutoff": {"kl_cutoff": 0.0},
    "KL cutoff .02": {"kl_cutoff": 0.02},
    "KL cutoff .04": {"kl_cutoff": 0.04},
    "KL cutoff .1": {"kl_cutoff": 0.1},
    "no advantage floor": {"advantage_floor": 0.0},
    "clip .1": {"clip": 0.1},
    "Adam eps 1e-5": {"adam.eps": 1e-5},
    "Adam beta2 .99": {"adam.betas": (0.9, 0.99)},
    "hidden 128": {"network": {"hidden_size": 128}},
    "former defaults": {
        "num_envs": 256, "rollout": 64, "minibatch_size": 4096, "epochs": 10, "lr": 5e-4,
        "normalise_rewards": False, "normalise_observations": False,
    },
}  # fmt: skip
