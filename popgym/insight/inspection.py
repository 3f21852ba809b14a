"""Inspection of a policy: does it remember, how far back, and what is that worth?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from popgym.core.arguments import unknown, whole_number
from popgym.envs.scores import bounds_of
from popgym.insight.effect import Effect, measure
from popgym.insight.numbers import for_json
from popgym.insight.probes import Probes, probe
from popgym.insight.reach import Reach, reach
from popgym.insight.recording import Recording, record
from popgym.insight.saliency import Saliency, saliency
from popgym.insight.worth import Worth, worth
from popgym.runs.blame import closing
from popgym.runs.names import found, is_ours
from popgym.runs.played import Played, played
from popgym.runs.policy import Policy
from popgym.runs.source import Env, is_given
from popgym.runs.wrapping import Wrapper

SCHEMA = 1
"""The version of inspect.json."""
PARTS = ("effect", "worth", "probes", "saliency", "reach")
EPISODES, WORTH_EPISODES = 32, 64
MAX_STEPS = 1000

Say = Callable[[str], None]


class Checkpoint(NamedTuple):
    """What was found of the policy after some steps of training."""

    steps: int
    found: Inspection

    def as_data(self) -> dict[str, Any]:
        """Return the main numbers as data for JSON."""
        whole = self.found.as_data()
        names = ("horizon", "worth_of_memory", "worth_of_memory_interval")
        kept = {name: whole[name] for name in names if name in whole}
        return {"steps": self.steps, "mean_return": whole.get("mean_return"), **kept}


@dataclass(frozen=True)
class Inspection:
    """What ``inspect`` found; parts that were not asked for are None."""

    name: str
    """What the pages call the policy."""
    env: str
    memory: str
    settings: dict[str, Any]
    """How it was inspected: episodes, seed and so on."""
    lengths: np.ndarray
    """The steps of the recorded episodes, [E]."""
    complete: int
    """How many of them ended, and were not cut."""
    effect: Effect | None = None
    worth: Worth | None = None
    probes: Probes | None = None
    saliency: Saliency | None = None
    reach: Reach | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    """The same of policies kept during training, if asked for."""
    notes: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return everything as data for JSON, as docs/inspect.md describes it."""
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name,
            "env": self.env,
            "memory": self.memory,
            "settings": self.settings,
            "episode_lengths": self.lengths,
            "complete_episodes": self.complete,
        }
        if self.effect is not None:
            data |= self.effect.as_data()
        if self.worth is not None:
            data |= {
                "worth_of_memory": self.worth.fraction,
                "worth_of_memory_interval": self.worth.fraction_interval,
                "mean_return": self.worth.variants[0].evaluation.mean,
                "worth": self.worth.as_data(),
            }
        for part in ("probes", "saliency", "reach"):
            if getattr(self, part) is not None:
                data[part] = getattr(self, part).as_data()
        if self.checkpoints:
            data["checkpoints"] = [each.as_data() for each in self.checkpoints]
        return for_json({**data, "notes": self.all_notes})

    @property
    def all_notes(self) -> list[str]:
        """What could not be measured, or only in part."""
        parts = [getattr(self, part) for part in PARTS]
        notes = self.notes + [note for part in parts if part is not None for note in part.notes]
        return list(dict.fromkeys(notes))


def inspect(
    policy: Policy | str | os.PathLike[str],
    env: Env | None = None,
    *,
    env_options: Mapping[str, Any] | None = None,
    wrappers: Sequence[Wrapper] = (),
    parts: Sequence[str] = PARTS,
    episodes: int = EPISODES,
    worth_episodes: int = WORTH_EPISODES,
    seed: int = 1,
    deterministic: bool = False,
    max_steps: int = MAX_STEPS,
    max_lag: int | None = None,
    name: str | None = None,
    progress: Say | None = None,
    trust: bool = False,
) -> Inspection:
    """Measure whether a policy remembers, how far back, and what that is worth.

    docs/inspect.md explains what is measured and how to read it.

    Args:
        policy: A policy, or the run folder that contains it.
        env: As in ``popgym.evaluate``.
        env_options: As in ``popgym.evaluate``.
        wrappers: As in ``popgym.evaluate``.
        parts: What to measure: "effect" of the past on the policy's outputs, "worth" of the memory
            in return, "probes" of what the state holds, "saliency" (gradients), and "reach" (what
            the memory could see).
        episodes: Recorded episodes.
        worth_episodes: Episodes that are played for each disturbance of the memory.
        seed: The seed of the environments and of all random choices.
        deterministic: Whether the policy takes its most probable actions, instead of sampling.
        max_steps: Where longer episodes are cut.
        max_lag: The largest lag that is looked at. None means the whole episode.
        name: The name in pages and tables. None means the run folder's.
        progress: Called with a line about what is being done.
        trust: As in ``popgym.evaluate``.

    Raises:
        ValueError: If an argument is out of range, or the run or the environment does not exist,
            or does not fit the policy.
        TypeError: If ``policy`` is something else.
        BrokenEnvironmentError: If the environment cannot be made or closed.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(unknown("part", part, PARTS))
    episodes = whole_number("episodes", episodes, 1)
    worth_episodes = whole_number("worth_episodes", worth_episodes, 1)
    max_steps = whole_number("max_steps", max_steps, 1)
    if max_lag is not None:
        max_lag = whole_number("max_lag", max_lag, 0)
    inspected = played(policy, env, env_options, wrappers, seed, trust)
    say = progress or (lambda line: None)
    work = _Work(inspected, seed, deterministic, max_steps, max_lag, say)
    environments = inspected.make(episodes)
    with closing(environments, inspected.source.name):
        say(f"playing {episodes} episodes")
        recording = record(
            inspected.policy, environments, seed=seed, deterministic=deterministic,
            max_steps=max_steps,
        )  # fmt: skip
        done = {part: work.do(part, recording, environments, worth_episodes) for part in parts}
    return Inspection(
        name=name or _name(policy, inspected),
        env=inspected.source.name,
        memory=inspected.policy.spec.memory,
        settings={
            "episodes": episodes, "worth_episodes": worth_episodes, "seed": seed,
            "deterministic": deterministic, "max_steps": max_steps, "max_lag": max_lag,
        },
        lengths=recording.lengths,
        complete=int(recording.complete.sum()),
        notes=_notes(recording, max_steps),
        **done,
    )  # fmt: skip


@dataclass(frozen=True)
class _Work:
    """What the parts have in common."""

    inspected: Played
    seed: int
    deterministic: bool
    max_steps: int
    max_lag: int | None
    say: Say

    def do(self, part: str, recording: Recording, environments: Any, worth_episodes: int) -> Any:
        """Measure one part."""
        policy, seed = self.inspected.policy, self.seed
        limit = int(recording.lengths.max()) - 1 if self.max_lag is None else self.max_lag
        if part == "effect":
            return measure(
                policy, environments, recording, seed=seed, max_lag=self.max_lag, progress=self.say
            )
        if part == "worth":
            self.say("playing with a disturbed memory")
            floor, ceiling = _bounds(self.inspected)
            return worth(
                policy, self.inspected.make, episodes=worth_episodes, seed=seed,
                deterministic=self.deterministic, max_steps=self.max_steps, floor=floor,
                ceiling=ceiling, progress=self.say,
            )  # fmt: skip
        if part == "probes":
            self.say("probing the state")
            return probe(policy, recording, seed=seed, progress=self.say)
        self.say("computing gradients")
        compute = saliency if part == "saliency" else reach
        return compute(policy, recording, seed=seed, max_lag=limit)


def _bounds(inspected: Played) -> tuple[float | None, float | None]:
    """Return the floor and the ceiling of the task, if they are known for it as it is played."""
    source, changed = inspected.source, inspected.env_options or inspected.wrappers
    if changed or is_given(source.name):
        return None, None
    target = found(source)
    return (bounds_of(target) or (None, None)) if is_ours(target) else (None, None)


def _name(policy: Any, inspected: Played) -> str:
    if isinstance(policy, Policy):
        return inspected.policy.spec.memory
    return os.path.basename(os.path.normpath(policy))


def _notes(recording: Recording, max_steps: int) -> list[str]:
    cut = int((~recording.complete).sum())
    if not cut:
        return []
    return [f"{cut} of {len(recording.complete)} recorded episodes were cut at {max_steps:,} steps"]
