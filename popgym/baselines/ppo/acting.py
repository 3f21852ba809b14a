"""The actor: B environments, the acting network, and its state between two steps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popgym.baselines.ppo.rollout import take
from popgym.core.actions import null_actions
from popgym.core.layout import stacked
from popgym.inputs import MASK
from popgym.networks.action_spaces import action_distribution
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.input_layers import masked, one_step
from popgym.runs.errors import BrokenEnvironmentError, describe
from popgym.runs.patience import LIMIT_STEPS, Patience
from popgym.runs.quotas import episode_quotas
from popgym.spaces.inputs import InputEncoder
from popgym.spaces.masks import MaskReader


class Actor:
    """B environments and the network that acts in them.

    Args:
        env: The vector environment; it resets within the step (``AutoresetMode.SAME_STEP``).
        name: Name of the environment, for messages.
        encode: The encoder of the network's input.
        gamma: Discount factor of ``discounted``.
    """

    net: ActorCritic
    """The acting network. The owner sets it."""
    generator: torch.Generator
    """Generator of the actions. The owner seeds it."""
    start: np.ndarray
    """[B] bool, whether the current observation is the first of its episode."""
    input: dict[str, np.ndarray]
    """The current observations as the network's input, arrays [B, ...] as in ``popgym.inputs``."""
    discounted: np.ndarray
    """[B], Gₜ = rₜ + γ Gₜ₋₁ of the last step, where Gₜ₋₁ = 0 at the start of an episode."""

    def __init__(self, env: Any, name: str, encode: InputEncoder, gamma: float = 1.0) -> None:
        self.env, self.name, self.encode, self.gamma = env, name, encode, gamma
        self.is_native = is_native(env)  # ours are tested: no checks
        self.distribution = action_distribution(env.single_action_space)
        self._masks = MaskReader(env.single_action_space)
        self.generator = torch.Generator()
        self.finished: list[tuple[np.ndarray, np.ndarray]] = []  # lengths, returns

    def reset(self, seed: int | list[int] | None) -> None:
        """Begin a new episode in every environment; unfinished episodes are dropped."""
        obs, info = self._call(self.env.reset, seed=seed)
        B = self.env.num_envs
        self.start = np.ones(B, bool)
        self.previous_action = null_actions(self.env.single_action_space, B)
        self.input = self.encode_checked(obs, info)
        self.state = self.net.initial_state(B)
        self.returns, self.lengths = np.zeros(B), np.zeros(B, np.int64)
        self.discounted = np.zeros(B)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Compute the network's outputs for the current observations and advance its state.

        Returns:
            Inputs of the action distribution [B, I] and values [B].
        """
        start = torch.from_numpy(self.start)
        outputs, values, self.state = self.net(one_step(self.input), self.state, start[:, None])
        return outputs[:, 0], values[:, 0]

    def value(self) -> np.ndarray:
        """Return the values [B] of the current observations without advancing the state."""
        state = self.state
        _, values = self.forward()
        self.state = state
        return values.numpy()

    def choose(self, inputs: Tensor, explore: bool, random_actions: bool = False) -> np.ndarray:
        """Return an action for each environment: sampled, or the most probable one.

        Args:
            inputs: Inputs of the action distribution [B, I].
            explore: Whether to sample.
            random_actions: Whether to sample from the distribution of zero inputs instead.
        """
        if random_actions:
            zeros = torch.zeros_like(inputs)[:, None]
            inputs = masked(zeros, one_step(self.input))[:, 0]
        if explore or random_actions:
            return self.distribution.sample(inputs, self.generator).numpy()
        return self.distribution.mode(inputs).numpy()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
        """Take an action in each environment and record the episodes that ended.

        Returns:
            Rewards, terminated and truncated [B], and the values [B] of the last observations of
            truncated episodes (0 elsewhere).
        """
        taken = self.distribution.to_env(action)
        self.previous_action = copy.deepcopy(taken)  # an environment may write into it
        obs, rewards, terminated, truncated, info = self._call(self.env.step, taken)
        self._check_rewards(rewards)
        self.discounted = rewards + self.gamma * np.where(self.start, 0.0, self.discounted)
        self.start = done = terminated | truncated
        self.returns += rewards
        self.lengths += 1
        final_values: Any = 0.0
        if done.any():
            only_truncated = np.flatnonzero(truncated & ~terminated)
            if len(only_truncated):
                final_values = self._final_values(info["final_obs"], only_truncated)
            self.finished.append((self.lengths[done], self.returns[done]))
            self.returns[done], self.lengths[done] = 0.0, 0
        self.input = self.encode_checked(obs, info)
        return rewards, terminated, truncated, final_values

    def _final_values(self, final_obs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the values [B] of the last observations of truncated episodes, 0 elsewhere.

        Such an observation belongs to the old episode: the state is not cleared and the start flag
        is not set. No action follows it, so that its mask may be anything.
        """
        obs = self._stack([final_obs[row] for row in rows])
        self._check(obs, rows)
        mask = np.ones((len(rows), self._masks.size), bool)
        inputs = self.encode(obs, take(self.previous_action, rows), mask=mask)
        flat = self.net.flatten_state(self.state)
        state = self.net.unflatten_state({k: v[torch.from_numpy(rows)] for k, v in flat.items()})
        values = np.zeros(self.env.num_envs, np.float32)
        values[rows] = self.net(one_step(inputs), state, None)[1][:, 0].numpy()
        return values

    # ---- evaluation

    def play_episodes(
        self, num_episodes: int, explore: bool, give_up: Callable[[], bool] = bool
    ) -> int:
        """Play complete episodes; ``finished`` then holds exactly these.

        Args:
            num_episodes: The number of episodes.
            explore: Whether to sample actions.
            give_up: Called before each step. If it returns True, no more steps are made, and
                ``finished`` is empty: the episodes that ended so far are the short ones.

        Returns:
            The number of steps in each environment.
        """
        wanted = episode_quotas(num_episodes, self.env.num_envs)
        played = np.zeros_like(wanted)
        kept: list[Any] = []
        steps, patience = 0, Patience(remedy=LIMIT_STEPS)
        while (played < wanted).any():
            if give_up():
                kept = []
                break
            returns, lengths = self.returns.copy(), self.lengths.copy()
            rewards, *_ = self.step(self.choose(self.forward()[0], explore))
            count = self.start & (played < wanted)
            if count.any():
                kept.append((lengths[count] + 1, returns[count] + rewards[count]))
            self.finished = []
            played += self.start
            steps += 1
            patience.step(len(wanted), int(np.minimum(played, wanted).sum()), num_episodes)
        self.finished = kept
        return steps

    # ---- checks

    def encode_checked(self, obs: Any, info: dict[str, Any]) -> dict[str, np.ndarray]:
        """Check observations and return the network's inputs, arrays [B, ...].

        Raises:
            BrokenEnvironmentError: If an observation is not in its space, or a mask is wrong.
        """
        self._check(obs)
        if MASK not in self.encode.shapes:
            return self.encode(obs, self.previous_action, self.start)
        try:
            mask = self._masks.of_info(info, self.env.num_envs)
            return self.encode(obs, self.previous_action, self.start, mask)
        except ValueError as error:
            raise BrokenEnvironmentError(f"environment {self.name}: {error}") from error

    def _check(self, obs: Any, environments: np.ndarray | None = None) -> None:
        if self.is_native:
            return
        try:
            self.encode.check(obs, environments)
        except ValueError as error:
            raise BrokenEnvironmentError(f"environment {self.name}: {error}") from error

    def _stack(self, observations: list[Any]) -> Any:
        try:
            return stacked(self.env.single_observation_space, observations)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise BrokenEnvironmentError(
                f"environment {self.name}: an episode ended with an observation of another "
                f"structure than its space's: {type(error).__name__}: {error}"
            ) from error

    def _check_rewards(self, rewards: np.ndarray) -> None:
        with np.errstate(over="ignore"):
            finite = np.isfinite(rewards.astype(np.float32))  # as a rollout keeps them
        if not finite.all():
            index = int(finite.argmin())
            raise BrokenEnvironmentError(
                f"environment {self.name}: environment {index} gave a reward that is not finite, "
                f"{rewards[index]}: mend its step()"
            )

    def _call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            raise failed(self.name, method.__name__, error) from error

    # ---- checkpoints

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the unfinished episodes; only for native environments."""
        memory = {k: v.numpy() for k, v in self.net.flatten_state(self.state).items()}
        play = {"memory": memory, **{name: getattr(self, name) for name in _SAVED}}
        return {"environments": self.env.snapshot(), **copy.deepcopy(play)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue the episodes of a ``snapshot``, which is not changed."""
        play = copy.deepcopy(snapshot)
        self.env.restore(play["environments"])
        memory = {k: torch.from_numpy(v) for k, v in play["memory"].items()}
        self.state = self.net.unflatten_state(memory)
        for name in _SAVED:
            setattr(self, name, play[name])


def is_native(env: Any) -> bool:
    """Return whether a vector environment is one of popgym's own."""
    return hasattr(env.unwrapped, "snapshot")


def failed(name: str, method: str, error: Exception) -> BrokenEnvironmentError:
    """Return the error for an environment whose method raised ``error``."""
    return BrokenEnvironmentError(f"environment {name} failed in {method}(): {describe(error)}")


_SAVED = ("start", "previous_action", "input", "returns", "lengths", "discounted")
