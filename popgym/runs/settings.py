"""All that decides a training run, in one frozen table.

The same names serve the command line (``--set lr=1e-3``, ``--set memory.stack_size=8``), a
configuration file, the call ``popgym.train(lr=1e-3)`` and the ``config.json`` of a run folder.
"""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from popgym.core.arguments import unknown

Options = dict[str, Any]
Names = list[str]

# Number of learner updates that a short run should still have: num_envs follows from it.
MIN_ITERATIONS = 24
DEVICES = ("cpu", "cuda")
PRECISIONS = ("float32", "bf16")
VECTORIZATIONS = ("sync", "async")

UNRECORDED_TIME_UNIT = 64
"""Unit of the time embedding in runs that recorded none, and in policies of format 1."""

# The network of the paper's protocol, narrower than POPGym's own defaults and as good.
NETWORK: Options = {
    "preprocessor_input_size": 128,
    "preprocessor": [128],
    "hidden_size": 256,
    "actor": [128],
    "critic": [128],
}


@dataclass(frozen=True)
class Settings:
    """One training run. Every field has its default here and nowhere else."""

    env: str
    """An environment: RepeatPreviousEasy, a Gymnasium id, or module:Class; of a callable given in
    Python a name that says so, such as "MyEnv (callable)"."""
    memory: str = "frameconv"
    """A memory: a name that `popgym memories` lists, or module:Class."""
    steps: int = 500_000
    """Environment steps to train for."""
    seed: int = 0
    """Of weights, environments, actions and minibatches."""

    env_options: Options = field(default_factory=dict)
    """Arguments of the environment's constructor (env.NAME)."""
    wrappers: Names = field(default_factory=list)
    """Put around each environment in order: PreviousAction, Flatten and others of popgym.wrappers,
    or module:Class."""
    memory_options: Options = field(default_factory=dict)
    """Options of the memory (memory.NAME), such as stack_size."""
    network: Options = field(default_factory=dict)
    """The layers around the memory (network.NAME), see popgym.memory.NetworkOptions."""
    previous_action: bool = True
    """Whether the network sees the action before."""
    start_flag: bool = True
    """Whether the network sees that an episode begins."""

    num_envs: int | None = None
    """Environments stepped together; None: 256, fewer for runs under 400,000 steps."""
    rollout: int = 64
    """Steps of every environment between two updates."""
    minibatch_size: int | None = None
    """Steps in a minibatch, whole rows; None: a quarter of num_envs · rollout."""
    epochs: int = 10
    """Passes over each batch."""
    lr: float = 5e-4
    """Adam's learning rate."""
    gamma: float = 0.99
    """Discount a step."""
    gae_lambda: float = 0.9
    """λ of generalised advantage estimation."""
    clip: float = 0.2
    """PPO's bound on the change of an action's probability ratio."""
    value_clip: float = 10.0
    """Upper bound on a step's squared value error."""
    value_coefficient: float = 0.5
    """Weight of the value loss."""
    entropy_coefficient: float = 0.0
    """Weight of the entropy bonus."""
    kl_coefficient: float = 0.0
    """Initial weight of the KL penalty; 0: no penalty."""
    kl_target: float = 0.01
    """KL divergence an update that the penalty's weight is steered to, in nats."""
    kl_cutoff: float = 0.1
    """KL divergence beyond which a steep penalty pulls a minibatch back, in nats; 0: none."""
    advantage_floor: float = 0.5
    """Share of the largest deviation of advantages yet, which fades, that they are at least divided
    by; 0: by their own."""
    grad_clip: float = 0.5
    """Largest norm of the gradient."""

    runners: int = 0
    """Ray actors that play; 0: this process does."""
    learners: int = 0
    """Ray actors that learn; 0: this process does."""
    device: str = "cpu"
    """Where the learner computes: cpu or cuda."""
    threads: int | None = None
    """Torch threads of this process; None: torch's choice. 1 where others use the cores too."""
    precision: str = "float32"
    """float32, or bf16 for autocast with weights in float32."""
    vectorization: str = "sync"
    """For environments without a native vector form: sync, or async for a process each."""
    eval_every: int = 0
    """Iterations between evaluations on separate environments; 0: none."""
    eval_episodes: int = 64
    """Episodes of an evaluation."""
    checkpoint_every: int = 20
    """Iterations between checkpoints; there is always one at the end."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            object.__setattr__(self, item.name, _typed(item.name, getattr(self, item.name)))
        for name in ("memory_options", "network"):
            object.__setattr__(self, name, _as_saved(name, getattr(self, name)))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                upper = f" and at most {high:g}" if high < _MANY else ""
                raise ValueError(f"{name} must be at least {low:g}{upper}, got {value}")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        if self.num_envs is not None and self.num_envs < max(self.learners, self.runners, 1):
            raise ValueError(
                f"num_envs {self.num_envs} is too few for {self.runners} runners and "
                f"{self.learners} learners: each needs at least one environment"
            )

    def resolved(self) -> Settings:
        """The same run with every None filled in, as the run folder records it."""
        num_envs = self.num_envs or self._default_num_envs()
        num_envs -= num_envs % self._divisor(num_envs)
        if self.num_envs not in (None, num_envs):
            warnings.warn(
                f"num_envs {self.num_envs} does not divide among {self.runners} runners and "
                f"{self.learners} learners: {num_envs} are used",
                stacklevel=3,
            )
        batch = num_envs * self.rollout
        minibatch = self.minibatch_size or max(self.rollout, batch // 4)
        return dataclasses.replace(
            self,
            num_envs=num_envs,
            minibatch_size=min(minibatch, batch),
            network={**NETWORK, **self.network},
        )

    def _default_num_envs(self) -> int:
        num_envs = 256
        while num_envs > 8 and self.steps < MIN_ITERATIONS * num_envs * self.rollout:
            num_envs //= 2
        return max(num_envs, self.runners, self.learners)

    def _divisor(self, num_envs: int) -> int:
        """What the number of environments must, or else should, be divisible by."""
        runners, learners = max(1, self.runners), max(1, self.learners)
        both = math.lcm(runners, learners)
        return both if both <= num_envs else runners

    @property
    def batch_size(self) -> int:
        """Environment steps between two updates."""
        assert self.num_envs is not None, "resolve first"
        return self.num_envs * self.rollout

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from plain data.

        Raises:
            ValueError: for an unknown key, with the nearest, or a value out of range.
            TypeError: for a value of the wrong type.
        """
        check_keys(values, "setting")
        if "env" not in values:
            raise ValueError("the settings name no environment: add env")
        return cls(**values)


_MANY = 1e18
_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, _MANY), "seed": (0, 2**31 - 1), "num_envs": (1, 1 << 20), "rollout": (1, 1 << 20),
    "minibatch_size": (1, _MANY), "epochs": (1, 1000), "lr": (0, 10), "gamma": (0, 1),
    "gae_lambda": (0, 1), "clip": (1e-6, 1e6), "value_clip": (0, _MANY),
    "value_coefficient": (0, _MANY), "entropy_coefficient": (0, _MANY),
    "kl_coefficient": (0, _MANY), "kl_target": (1e-9, _MANY), "kl_cutoff": (0, _MANY),
    "advantage_floor": (0, 1), "grad_clip": (1e-9, _MANY),
    "runners": (0, 4096), "learners": (0, 1024), "threads": (1, 1024), "eval_every": (0, _MANY),
    "eval_episodes": (1, _MANY), "checkpoint_every": (1, _MANY),
}  # fmt: skip
_CHOICES = {"device": DEVICES, "precision": PRECISIONS, "vectorization": VECTORIZATIONS}
_SECTIONS = {"env": "env_options", "memory": "memory_options", "network": "network"}


def _typed(name: str, value: Any) -> Any:
    """Return ``value`` as the type of the field ``name``.

    A float that is a whole number is accepted as an int, and an int as a float.

    Raises:
        TypeError: If the value has another type.
    """
    kind, optional = _FIELD_TYPES[name]
    if value is None and optional:
        return None
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is list:
        return _names(name, value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        allowed = kind.__name__ + (" or null" if optional else "")
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    return value


def _as_saved(name: str, options: Options) -> Options:
    """``options`` as config.json and the policy will give them back, tuples as lists."""
    try:
        return json.loads(json.dumps(options))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must hold what JSON can, numbers, texts and lists, since the run folder "
            f"records it ({error}), got {options!r}"
        ) from error


def _names(what: str, value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise TypeError(
            f'{what} must be a list of names, such as ["PreviousAction"], got {value!r}'
        )
    return list(value)


def _kind(hint: Any) -> tuple[type, bool]:
    """Return the class of a field's values, and whether the field may be None."""
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = next(each for each in allowed if each is not NoneType)
    return get_origin(kind) or kind, NoneType in allowed


_FIELD_TYPES = {name: _kind(hint) for name, hint in get_type_hints(Settings).items()}


def check_keys(keys: Mapping[str, Any], what: str) -> None:
    """Raises ValueError for the first key that is no setting, naming the nearest."""
    for key in keys:
        if key not in _FIELD_TYPES:
            raise ValueError(unknown(what, str(key), _FIELD_TYPES))


def parse_assignment(text: str) -> tuple[str, Any]:
    """One ``key=value`` of the command line; the value is JSON, or else the text itself.

    Raises:
        ValueError: without an equals sign.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set takes key=value, such as lr=0.001, got {text!r}")
    try:
        return key.strip(), json.loads(value)
    except json.JSONDecodeError:
        return key.strip(), value


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Later layers win; ``memory.stack_size`` reaches into ``memory_options``."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            section, dot, name = str(key).partition(".")
            whole = _SECTIONS.get(section)
            if dot and whole:
                table = merged.get(whole, {})
                if not isinstance(table, Mapping):
                    raise TypeError(f"{whole} must be a table to set {key} in, got {table!r}")
                merged[whole] = {**table, name: value}
            else:
                merged[key] = value
    return merged


def read_settings_file(path: str | Path) -> dict[str, Any]:
    """Settings from a JSON or YAML file, or from the ``config.json`` of a run folder.

    Raises:
        ValueError: when the file cannot be read or does not hold a table of settings.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = json.loads(text) if Path(path).suffix == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read settings from {path}: {error}") from error
    if isinstance(values, dict):
        values = values.get("settings", values)
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a table of settings, got {type(values).__name__}")
    return values


def _yaml(text: str) -> Any:
    import yaml  # comes with Ray

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error
