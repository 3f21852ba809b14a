"""The settings of a training run, with their defaults and the checks of their values.

The names are the same on the command line (``--set lr=1e-3``, ``--set memory.stack_size=8``), in a
configuration file, in ``popgym.train(lr=1e-3)`` and in the ``config.json`` of a run folder.
"""

from __future__ import annotations

import dataclasses
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from popgym.core.arguments import readable
from popgym.runs.setting_names import meant
from popgym.runs.settings_types import as_saved, kind_of, typed

Options = dict[str, Any]
Names = list[str]

DEVICES = ("cpu", "cuda")
PRECISIONS = ("float32", "bf16")
VECTORIZATIONS = ("sync", "async")

UNRECORDED_TIME_UNIT = 64
"""Unit of the time embedding in runs that did not record it, and in policies of format 1."""

SHORT_ROLLOUT, LONG_ROLLOUT = 32, 64
LONG_NEED = 16
"""Steps that a task must need to remember for rollouts to be long."""
MINIBATCH, MINIBATCH_ROWS = 256, 8
KL_CUTOFF, KL_CUTOFF_REAL = 0.1, 0.02
"""Real numbers need the smaller one: once the deviation of the actions is small, larger changes of
the policy undo what it has learned."""

NETWORK_BEFORE_3: Options = {"encoder": "none", "state_dependent_std": True}
"""Options that networks had, unrecorded, in policies before format 3 and in their runs."""

# The network of the paper's protocol. It is narrower than POPGym's defaults and performs as well.
NETWORK: Options = {
    "preprocessor_input_size": 128,
    "preprocessor": [128],
    "hidden_size": 256,
    "actor": [128],
    "critic": [128],
}


@dataclass(frozen=True)
class Settings:
    """The settings of one training run, and the only place where their defaults are defined."""

    env: str
    """The environment: a popgym name such as RepeatPreviousEasy, a Gymnasium id, or module:Class.
    For a callable given in Python, a name such as "MyEnv (callable)"."""
    memory: str = "frameconv"
    """The memory: a name that ``popgym memories`` lists, or module:Class."""
    steps: int = 500_000
    """Environment steps to train for."""
    seed: int = 0
    """Seed of the weights, environments, actions and minibatches."""
    stop_at: float | None = None
    """Mean return of the last ``stop_episodes`` episodes at which training ends early. None: it
    makes all steps."""
    stop_episodes: int = 100
    """Number of episodes in that mean."""

    env_options: Options = field(default_factory=dict)
    """Arguments of the environment's constructor (env.NAME)."""
    wrappers: Names = field(default_factory=list)
    """Wrappers put around each environment in this order: names of popgym.wrappers such as
    PreviousAction, or module:Class."""
    memory_options: Options = field(default_factory=dict)
    """Options of the memory (memory.NAME), such as stack_size."""
    network: Options = field(default_factory=dict)
    """Options of the layers around the memory (network.NAME), see popgym.memory.NetworkOptions."""
    previous_action: bool = True
    """Whether the network's input includes the previous action."""
    start_flag: bool = True
    """Whether the network's input includes a flag that marks the first step of an episode."""
    action_masks: bool = True
    """Whether only actions are taken that the environment's action masks allow, if it gives masks:
    info["action_mask"], or the entry action_mask of a Dict observation."""

    num_envs: int = 32
    """Number of environments stepped together."""
    rollout: int | None = None
    """Steps of each environment in a rollout, over which gradients flow back. None means 32, or 64
    where the task is known to need a memory of 16 steps or more."""
    minibatch_size: int | None = None
    """Steps in a minibatch, which consists of complete rollouts of some environments. None means
    256, or 8 rollouts if these are more."""
    epochs: int = 3
    """Number of passes over each batch."""
    lr: float = 1e-3
    """Learning rate of Adam."""
    lr_final: float | None = 0.0
    """Learning rate at the last step; in between it changes linearly. None: it stays the same."""
    gamma: float = 0.99
    """Discount factor γ."""
    gae_lambda: float = 0.9
    """λ of generalised advantage estimation."""
    clip: float = 0.2
    """Clipping range ε of PPO's probability ratio."""
    value_coefficient: float = 0.2
    """Weight of the value loss."""
    entropy_coefficient: float = 0.0
    """Weight of the entropy bonus."""
    entropy_final: float | None = None
    """Weight of the entropy bonus at the last step; in between it changes linearly. None: it stays
    the same."""
    kl_coefficient: float = 0.0
    """Initial weight of the KL penalty. 0 disables the penalty."""
    kl_target: float = 0.01
    """Target KL divergence of an update, in nats; the weight of the penalty adapts to it."""
    kl_cutoff: float | None = None
    """KL divergence of a minibatch, in nats, above which a steep penalty is added. 0 disables the
    penalty. None means .1, or .02 where an action contains a real number."""
    normalise_rewards: bool = True
    """Whether rewards are divided by the size of returns so far, for learning only; returns are
    reported as they are."""
    normalise_observations: bool = True
    """Whether the numbers of Box observations are normalised by their running mean and
    deviation."""
    advantage_floor: float = 0.5
    """Lower bound of the divisor in advantage normalisation, as a fraction of the largest standard
    deviation seen so far (decayed). 0 disables the bound."""
    grad_clip: float = 0.5
    """Largest norm of the gradient, above which it is scaled down."""

    runners: int = 0
    """Number of Ray actors that collect rollouts. 0 means that this process does."""
    learners: int = 0
    """Number of Ray actors that learn. 0 means that this process does."""
    device: str = "cpu"
    """Device of the learner: cpu or cuda."""
    threads: int | None = None
    """Number of torch threads of this process. None means torch's default. Use 1 when other
    processes use the same cores."""
    precision: str = "float32"
    """float32, or bf16 for autocast with weights in float32."""
    vectorization: str = "sync"
    """For environments without a native vector form: sync steps them one after another, async runs
    each in a process of its own."""
    eval_every: int = 0
    """Iterations between evaluations, which have their own environments. 0 disables them."""
    eval_episodes: int = 64
    """Number of episodes in an evaluation."""
    checkpoint_every: int | None = None
    """Iterations between checkpoints. There is always one at the end. None: one about every
    minute."""
    snapshots: int = 0
    """Number of policies to keep in snapshots/, evenly spaced over the steps, so that ``popgym
    inspect --checkpoints`` can tell when the agent began to remember."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            object.__setattr__(self, item.name, self._typed(item.name))
        for name in ("memory_options", "network"):
            object.__setattr__(self, name, as_saved(name, getattr(self, name)))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} must be {_range(low, high, value)}, got {_shown(value)}")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        if self.num_envs < max(self.learners, self.runners, 1):
            raise ValueError(
                f"num_envs {self.num_envs} is too few for {self.runners} runners and "
                f"{self.learners} learners: each needs at least one environment"
            )

    def _typed(self, name: str) -> Any:
        return typed(name, getattr(self, name), *_FIELD_TYPES[name])

    def resolved(self) -> Settings:
        """Return the settings that fit together, as the run folder records them.

        The environments are divided evenly among runners and learners, a minibatch is not larger
        than a batch, and the network has all options.
        """
        num_envs = self.num_envs - self.num_envs % self._divisor(self.num_envs)
        if num_envs != self.num_envs:
            warnings.warn(
                f"num_envs {self.num_envs} cannot be divided evenly among {self.runners} runners "
                f"and {self.learners} learners: {num_envs} are used",
                stacklevel=3,
            )
        rollout = self.rollout or SHORT_ROLLOUT
        minibatch = self.minibatch_size or max(MINIBATCH, MINIBATCH_ROWS * rollout)
        return dataclasses.replace(
            self,
            num_envs=num_envs,
            rollout=rollout,
            minibatch_size=min(max(rollout, minibatch), num_envs * rollout),
            network={**NETWORK, **self.network},
        )

    def _divisor(self, num_envs: int) -> int:
        """Return what ``num_envs`` must be a multiple of.

        That is the number of runners; if possible, it is a multiple of the number of learners too.
        """
        runners, learners = max(1, self.runners), max(1, self.learners)
        both = math.lcm(runners, learners)
        return both if both <= num_envs else runners

    @property
    def environment_code(self) -> list[str]:
        """The names ``module:Class`` of the environment and its wrappers.

        Some Gymnasium ids take the name of another environment as an argument.
        """
        arguments = [value for value in self.env_options.values() if isinstance(value, str)]
        passed_on = filter(re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.-]*").fullmatch, arguments)
        return [name for name in (self.env, *self.wrappers, *passed_on) if ":" in name]

    @property
    def code(self) -> list[str]:
        """All names ``module:Class``."""
        return [*self.environment_code, *([self.memory] if ":" in self.memory else [])]

    @property
    def batch_size(self) -> int:
        """Number of environment steps in a batch."""
        assert self.rollout is not None, "resolve first"
        return self.num_envs * self.rollout

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as data for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Return settings made from a mapping of names to values.

        Raises:
            ValueError: If a key is unknown (the message suggests the nearest), or a value is out of
                range.
            TypeError: If a value has the wrong type.
        """
        check_keys(values, "setting")
        if "env" not in values:
            raise ValueError("the settings name no environment: add env")
        return cls(**values)


_MANY = 1e18
_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, _MANY), "seed": (0, 2**31 - 1), "num_envs": (1, 1 << 20), "rollout": (1, 1 << 20),
    "minibatch_size": (1, _MANY), "epochs": (1, 1000), "lr": (0, 10),
    "lr_final": (0, 10), "gamma": (0, 1),
    "gae_lambda": (0, 1), "clip": (1e-6, 1e6),
    "value_coefficient": (0, _MANY), "entropy_coefficient": (0, _MANY),
    "entropy_final": (0, _MANY), "stop_at": (-_MANY, _MANY), "stop_episodes": (1, _MANY),
    "kl_coefficient": (0, _MANY), "kl_target": (1e-9, _MANY), "kl_cutoff": (0, _MANY),
    "advantage_floor": (0, 1), "grad_clip": (1e-9, _MANY),
    "runners": (0, 4096), "learners": (0, 1024), "threads": (1, 1024), "eval_every": (0, _MANY),
    "eval_episodes": (1, _MANY), "checkpoint_every": (1, _MANY), "snapshots": (0, 10_000),
}  # fmt: skip
_CHOICES = {"device": DEVICES, "precision": PRECISIONS, "vectorization": VECTORIZATIONS}


_FIELD_TYPES = {name: kind_of(hint) for name, hint in get_type_hints(Settings).items()}


def _range(low: float, high: float, value: float) -> str:
    """Return the allowed range; a limit that nobody meets by accident is left out."""
    upper = _shown(int(high) if high >= 1000 else high)
    return f"at least {low:g}" + (f" and at most {upper}" if high < _MANY or value > high else "")


def _shown(number: float) -> str:
    return f"{number:,}" if abs(number) < 1e15 else readable(number)


def check_keys(keys: Mapping[str, Any], what: str) -> None:
    """Check that all keys are names of settings.

    Args:
        keys: The keys.
        what: What a key is, for the message.

    Raises:
        ValueError: If a key is unknown. The message suggests what may be meant.
    """
    for key in keys:
        if key not in _FIELD_TYPES:
            raise ValueError(f"unknown {what} {str(key)!r}; {meant(str(key), _FIELD_TYPES)}")
