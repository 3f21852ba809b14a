"""The settings by name: what each means, and what a user means who gives another name."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Collection, Iterator
from typing import NamedTuple

from popgym.core.arguments import nearest
from popgym.runs.memory_table import known_memories

# What Stable-Baselines3, CleanRL and RLlib call a setting → its name here.
_ELSEWHERE = {
    "learning_rate": "lr",
    "n_steps": "rollout",
    "num_steps": "rollout",
    "rollout_fragment_length": "rollout",
    "n_envs": "num_envs",
    "num_envs_per_env_runner": "num_envs",
    "batch_size": "minibatch_size",
    "sgd_minibatch_size": "minibatch_size",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "update_epochs": "epochs",
    "num_sgd_iter": "epochs",
    "total_timesteps": "steps",
    "lambda": "gae_lambda",
    "lambda_": "gae_lambda",
    "ent_coef": "entropy_coefficient",
    "entropy_coeff": "entropy_coefficient",
    "vf_coef": "value_coefficient",
    "vf_loss_coeff": "value_coefficient",
    "clip_range": "clip",
    "clip_coef": "clip",
    "clip_param": "clip",
    "max_grad_norm": "grad_clip",
    "target_kl": "kl_cutoff",
    "num_env_runners": "runners",
    "num_learners": "learners",
}


def meant(name: str, known: Collection[str]) -> str:
    """Return a hint at what a user means by an unknown setting.

    Args:
        name: What the user wrote.
        known: The names of the settings.
    """
    if name.lower() in _ELSEWHERE:
        return f"it is called {_ELSEWHERE[name.lower()]!r} here"
    tables = known_memories()
    sections = {
        "memory": {option for options in tables["options"].values() for option in options},
        "network": tables["network"],
    }
    for section, names in sections.items():
        if name in names:
            return f"did you mean '{section}.{name}'?"
    if similar := nearest(name, known):
        return f"did you mean {' or '.join(map(repr, similar))}?"
    return (
        f"an argument of the environment is env.{name}, an option of the memory memory.{name}, and "
        "`popgym train --list-settings` lists the settings"
    )


class Described(NamedTuple):
    """A setting."""

    name: str
    default: str
    """As in Python; "" if there is none."""
    text: str
    """What it means, in one line."""


def described(settings: type) -> Iterator[Described]:
    """Yield the settings in order, with the texts that follow them in the source."""
    tree = ast.parse(inspect.getsource(settings)).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(before.target, ast.Name)
            texts[before.target.id] = " ".join(ast.literal_eval(after.value).split())
    for item in dataclasses.fields(settings):
        yield Described(item.name, _default(item), texts[item.name])


def _default(item: dataclasses.Field) -> str:
    if item.default_factory is not dataclasses.MISSING:
        return repr(item.default_factory())
    return "" if item.default is dataclasses.MISSING else repr(item.default)
