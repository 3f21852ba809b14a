"""Evaluates a policy: the returns of complete episodes, with their uncertainty."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from popgym.core.arguments import as_options, truth_value, whole_number
from popgym.runs.blame import closing
from popgym.runs.environment import make_environments
from popgym.runs.errors import BrokenEnvironmentError, describe
from popgym.runs.folder import RunFolder
from popgym.runs.names import environment_of_run
from popgym.runs.patience import Patience
from popgym.runs.policy import Policy, PolicyState
from popgym.runs.quotas import episode_quotas
from popgym.runs.seeds import Stream, reset_seed
from popgym.runs.source import Env, source_of
from popgym.runs.wrapping import Wrapper, checked_wrappers

RESAMPLES = 10_000
LEVEL = 0.95
"""The confidence level of intervals."""
NUM_ENVS = 64
"""The largest number of environments that are stepped together, unless another is given."""
_MOST = 10**9  # episodes

Change = Callable[[PolicyState, np.ndarray], PolicyState]
"""Returns the state that takes the place of the policy's state before a step. It gets the state of
the B agents and the number of steps already played in each one's episode, [B] integers."""


@dataclass(frozen=True)
class Evaluation:
    """The results of the episodes of an evaluation."""

    returns: np.ndarray  # [episodes]
    lengths: np.ndarray  # [episodes], in steps
    cut: int = 0  # number of episodes that ``max_steps`` ended; they count with their return so far

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of the return across episodes; NaN for one episode."""
        return float(self.returns.std(ddof=1)) if len(self.returns) > 1 else math.nan

    def interval(self, level: float = LEVEL, seed: int = 0) -> tuple[float, float]:
        """Return the bootstrap percentile interval of the mean return.

        Args:
            level: The confidence level.
            seed: The seed of the resampling.

        Returns:
            The lower and the upper bound; both are NaN for one episode.

        Efron, "Bootstrap Methods: Another Look at the Jackknife" (1979).
        """
        n = len(self.returns)
        if n == 1:
            return math.nan, math.nan  # one return says nothing about the spread
        means = resampled_means(self.returns, np.random.default_rng(seed))
        return percentile_interval(means, level)

    def __str__(self) -> str:
        text = f"mean return {self.mean:.3f} ({self._spread()}), "
        text += f"mean length {self.lengths.mean():.1f}"
        if self.cut:
            text += f", {self.cut} of the episodes cut at {self.lengths.max():,} steps"
        return text

    def _spread(self) -> str:
        n = len(self.returns)
        if n == 1:
            return "1 episode: no standard deviation and no interval"
        low, high = self.interval()
        return (
            f"standard deviation {self.deviation:.3f} over {n} episodes, "
            f"95 % interval of the mean [{low:.3f}, {high:.3f}]"
        )


def resampled_means(returns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the means of bootstrap samples of returns [episodes], [RESAMPLES]."""
    n = len(returns)
    # A resampled mean depends only on how often each episode is drawn.
    return rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) @ returns / n


def percentile_interval(samples: np.ndarray, level: float) -> tuple[float, float]:
    """Return the bounds between which lies the middle ``level`` of the bootstrap samples."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def evaluate(
    policy: Policy | str | os.PathLike[str],
    env: Env | None = None,
    *,
    env_options: Mapping[str, Any] | None = None,
    wrappers: Sequence[Wrapper] = (),
    episodes: int = 100,
    seed: int = 1,
    deterministic: bool = True,
    num_envs: int = NUM_ENVS,
    max_steps: int | None = None,
    trust: bool = False,
) -> Evaluation:
    """Evaluate a policy on complete episodes.

    The number of episodes that each environment plays is fixed in advance, so that short episodes
    are not over-represented. The episodes differ from those of training, for every seed.

    Args:
        policy: A policy, or the run folder that contains it.
        env: A popgym environment, a Gymnasium id, ``module:Class``, or a callable that makes an
            environment. None means the environment of the run. A policy that was loaded does not
            know the options and wrappers of its run's environment: give them, or the run folder.
        env_options: Arguments of the environment's constructor. For the run's own environment
            they are added to the run's options.
        wrappers: Wrappers put around each environment in this order: names of
            ``popgym.wrappers``, ``module:Class``, or callables. For the run's own environment
            they are put around the run's wrappers.
        episodes: The number of episodes.
        seed: The seed of the environments, and of the policy if it is loaded from a run.
        deterministic: Whether to take the most probable actions, instead of sampling them.
        num_envs: The largest number of environments that are stepped together.
        max_steps: The largest number of steps in an episode. A longer episode is cut there and
            counts with its return so far. None means no limit; a warning is then given while
            no episode ends.
        trust: Whether you trust whoever made the run folder. Then the environment, wrappers and
            memory that it names as ``module:Class`` are imported, which runs their code. It is not
            needed for runs that you trained yourself where the code still is.

    Returns:
        The returns and lengths of the episodes.

    Raises:
        ValueError: If ``episodes``, ``num_envs``, ``max_steps`` or ``seed`` is not a whole number
            or too small, the run or the environment does not exist, the environment's spaces are
            not those of the policy, or trust is needed.
        TypeError: If ``policy``, ``env``, ``env_options`` or ``wrappers`` is something else.
        BrokenEnvironmentError: If the environment raises, or returns an observation outside its
            space.
    """
    episodes = whole_number("episodes", episodes, 1, _MOST)
    num_envs = whole_number("num_envs", num_envs, 1)
    seed, deterministic = whole_number("seed", seed, 0), truth_value("deterministic", deterministic)
    if max_steps is not None:
        max_steps = whole_number("max_steps", max_steps, 1)
    env_options, wrappers = as_options("env_options", env_options), checked_wrappers(wrappers)
    if isinstance(policy, (str, os.PathLike)):
        folder = RunFolder.open(Path(policy), trust)
        env, env_options, of_run = environment_of_run(folder, env, env_options)
        wrappers = [*of_run, *wrappers]
        policy = folder.policy(seed)
    if not isinstance(policy, Policy):
        raise TypeError(f"policy must be a policy or the path of a run folder, got {policy!r}")
    if env is None:
        raise ValueError("a policy does not record its environment: name an environment (env)")
    num_envs = min(num_envs, episodes)
    quotas, source = episode_quotas(episodes, num_envs), source_of(env)
    environments = make_environments(source, num_envs, env_options, wrappers=wrappers)
    with closing(environments, source.name):
        _check_spaces(policy, environments)
        with _blaming(source.name):
            return play(policy, environments, quotas, seed, deterministic, max_steps)


def _check_spaces(policy: Policy, environments: Any) -> None:
    policy.require_spaces(environments.single_observation_space, environments.single_action_space)


@contextmanager
def _blaming(env: str) -> Iterator[None]:
    """Blame the environment for errors in play; the policy was checked when it was loaded."""
    try:
        yield
    except Exception as error:
        raise BrokenEnvironmentError(
            f"environment {env} failed in play: {describe(error)}"
        ) from error


def play(
    policy: Policy,
    environments: Any,
    quotas: np.ndarray,
    seed: int,
    deterministic: bool,
    max_steps: int | None,
    change: Change | None = None,
) -> Evaluation:
    """Play the episodes of an evaluation.

    Args:
        policy: The policy.
        environments: Vector environment of B environments with autoreset within the step.
        quotas: The number of episodes that each environment plays, [B].
        seed: As in ``evaluate``.
        deterministic: As in ``evaluate``.
        max_steps: As in ``evaluate``.
        change: Called before each step. None: the policy's state stays as it is.
    """
    B, limit = environments.num_envs, max_steps or math.inf
    seeds = reset_seed(environments, seed, Stream.STANDALONE_ENVIRONMENTS)
    obs, info = environments.reset(seed=seeds)
    state, start, masks = policy.initial_state(B), np.ones(B, bool), policy.masks_of(info, B)
    total, length, left = np.zeros(B), np.zeros(B, np.int64), quotas.copy()
    results, patience = _Results(int(quotas.sum())), Patience()
    while left.any():
        policy.check(obs)
        state = state if change is None else change(state, length)
        actions, state = policy.act_many(
            obs, state, start, deterministic=deterministic, action_masks=masks
        )
        obs, rewards, terminated, truncated, info = environments.step(actions)
        masks = policy.masks_of(info, B)
        total += rewards
        length += 1
        ended = terminated | truncated
        cut = ~ended & (length >= limit)
        if cut.any():
            obs, info = environments.reset(options={"reset_mask": cut})
            fresh = policy.masks_of(info, B)
            if fresh is not None:  # of the environments that were reset
                masks = np.ones_like(fresh) if masks is None else masks
                masks[cut] = fresh[cut]
        start = ended | cut
        counted = start & (left > 0)
        results.add(total[counted], length[counted], cut[counted])
        left -= counted
        total[start], length[start] = 0.0, 0
        if max_steps is None:
            patience.step(B, results.done, len(results.returns))
    return results.evaluation()


class _Results:
    """The results so far, in arrays whose size does not depend on the episodes' lengths."""

    def __init__(self, episodes: int) -> None:
        self.returns, self.lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
        self.done, self.cut = 0, 0

    def add(self, returns: np.ndarray, lengths: np.ndarray, cut: np.ndarray) -> None:
        new = slice(self.done, self.done + len(returns))
        self.returns[new], self.lengths[new] = returns, lengths
        self.done += len(returns)
        self.cut += int(cut.sum())

    def evaluation(self) -> Evaluation:
        return Evaluation(self.returns, self.lengths, self.cut)
