"""How well a policy plays: returns of whole episodes, with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from popgym.runs.blame import closing
from popgym.runs.environment import make_environments
from popgym.runs.errors import BrokenEnvironmentError, describe
from popgym.runs.policy import Policy
from popgym.runs.source import Env, source_of
from popgym.runs.wrapping import Wrapper

RESAMPLES = 10_000


@dataclass(frozen=True)
class Evaluation:
    """The episodes of an evaluation."""

    returns: np.ndarray  # [episodes]
    lengths: np.ndarray  # [episodes] steps

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of the return from episode to episode; 0 for one episode."""
        return float(self.returns.std(ddof=1)) if len(self.returns) > 1 else 0.0

    def interval(self, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Bootstrap percentile interval of the mean (Efron 1979).

        Args:
            level: probability that it covers.
            seed: of the resampling.
        """
        rng = np.random.default_rng(seed)
        n = len(self.returns)
        # A resampled mean depends on how often each episode is drawn.
        means = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) @ self.returns / n
        tail = (1 - level) / 2
        low, high = np.quantile(means, [tail, 1 - tail])
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval()
        return (
            f"return {self.mean:.3f} ± {self.deviation:.3f} over {len(self.returns)} episodes, "
            f"95 % interval of the mean [{low:.3f}, {high:.3f}], "
            f"mean length {self.lengths.mean():.1f}"
        )


def evaluate(
    policy: Policy,
    env: Env,
    *,
    env_options: Mapping[str, Any] | None = None,
    wrappers: Sequence[Wrapper] = (),
    episodes: int = 100,
    seed: int = 1,
    deterministic: bool = True,
    num_envs: int = 64,
) -> Evaluation:
    """Plays ``episodes`` whole episodes.

    Every environment plays equally many, so that short episodes are not favoured; the result
    has ``episodes`` or, for the last environments' sake, a few more.

    Args:
        policy: who plays.
        env: an environment of popgym, a Gymnasium id, ``module:Class``, or a callable that makes
            an environment.
        env_options: arguments of the environment's constructor.
        wrappers: put around each environment in order: names of ``popgym.wrappers``,
            ``module:Class``, or callables.
        episodes: how many.
        seed: of the environments.
        deterministic: whether the policy takes its most probable action or draws one.
        num_envs: how many environments play side by side.

    Raises:
        ValueError: for an unknown name, fewer than one episode, or spaces other than the
            policy's.
        BrokenEnvironmentError: when the environment raises or leaves its observation space.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes}")
    num_envs = min(num_envs, episodes)
    each = math.ceil(episodes / num_envs)
    source = source_of(env)
    environments = make_environments(source, num_envs, env_options, wrappers=wrappers)
    with closing(environments, source.name):
        _check_spaces(policy, environments)
        with _blaming(source.name):
            return _play(policy, environments, each, seed, deterministic)


def _check_spaces(policy: Policy, environments: Any) -> None:
    pairs = {
        "observation": (policy.observation_space, environments.single_observation_space),
        "action": (policy.action_space, environments.single_action_space),
    }
    for name, (trained, played) in pairs.items():
        if trained != played:
            raise ValueError(f"the policy's {name} space is {trained}, the environment's {played}")


@contextmanager
def _blaming(env: str) -> Iterator[None]:
    """The policy is checked when it is loaded; what fails in play is the environment."""
    try:
        yield
    except Exception as error:
        raise BrokenEnvironmentError(
            f"environment {env} failed in play: {describe(error)}"
        ) from error


def _play(
    policy: Policy, environments: Any, each: int, seed: int, deterministic: bool
) -> Evaluation:
    B = environments.num_envs
    obs, _ = environments.reset(seed=seed)
    state, start = None, np.ones(B, bool)
    total, length, played = np.zeros(B), np.zeros(B, np.int64), np.zeros(B, np.int64)
    returns, lengths = [], []
    while (played < each).any():
        policy.check(obs)
        actions, state = policy.act_many(obs, state, start, deterministic=deterministic)
        obs, rewards, terminated, truncated, _ = environments.step(actions)
        total += rewards
        length += 1
        start = terminated | truncated
        counted = start & (played < each)
        returns.append(total[counted])
        lengths.append(length[counted])
        played += start
        total[start], length[start] = 0.0, 0
    return Evaluation(np.concatenate(returns), np.concatenate(lengths))
