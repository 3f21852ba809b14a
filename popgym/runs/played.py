"""Which policy plays in which environment: what users give, and what the run folder adds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from popgym.runs.environment import make_environments
from popgym.runs.folder import RunFolder
from popgym.runs.names import environment_of_run
from popgym.runs.policy import Policy
from popgym.runs.source import Env, Source, source_of
from popgym.runs.wrapping import Wrapper


@dataclass(frozen=True)
class Played:
    """A policy and the environment in which it plays."""

    policy: Policy
    source: Source
    env_options: Mapping[str, Any] | None
    wrappers: Sequence[Wrapper]

    def make(self, num_envs: int) -> VectorEnv:
        """Make ``num_envs`` environments, see ``make_environments``.

        Raises:
            ValueError: If the environment's spaces are not those of the policy, or it cannot be
                made with these options.
        """
        made = make_environments(self.source, num_envs, self.env_options, wrappers=self.wrappers)
        try:
            self.policy.require_spaces(made.single_observation_space, made.single_action_space)
        except ValueError:
            made.close()
            raise
        return made


def played(
    policy: Policy | str | os.PathLike[str],
    env: Env | None,
    env_options: Mapping[str, Any] | None,
    wrappers: Sequence[Wrapper],
    seed: int,
    trust: bool = False,
) -> Played:
    """Return the policy and the environment that a user means.

    Args:
        policy: A policy, or the run folder that contains it.
        env: The environment. None means that of the run.
        env_options: Arguments of the environment's constructor. For the run's own environment
            they are added to the run's options.
        wrappers: Wrappers. For the run's own environment they are put around the run's wrappers.
        seed: The seed of the actions that a policy loaded from a run samples.
        trust: Whether the user trusts whoever made the run folder, see ``popgym.runs.trust``.

    Raises:
        ValueError: If the run or the environment does not exist, or none is named.
        TypeError: If ``policy`` is something else.
    """
    if isinstance(policy, (str, os.PathLike)):
        folder = RunFolder.open(Path(policy), trust)
        env, env_options, of_run = environment_of_run(folder, env, env_options)
        wrappers = [*of_run, *wrappers]
        policy = folder.policy(seed)
    if not isinstance(policy, Policy):
        raise TypeError(f"policy must be a policy or the path of a run folder, got {policy!r}")
    if env is None:
        raise ValueError("a policy does not record its environment: name an environment (env)")
    return Played(policy, source_of(env), env_options, wrappers)
