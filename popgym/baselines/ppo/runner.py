"""The environment runner: plays B environments T steps and returns one rollout."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from torch import Tensor

from popgym.baselines.ppo.rollout import Fault, Rollout
from popgym.core.actions import null_actions
from popgym.core.layout import stacked
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.distributions import action_distribution
from popgym.runs import seeds
from popgym.runs.blame import close
from popgym.runs.environment import make_environments
from popgym.runs.errors import BrokenEnvironmentError, describe
from popgym.runs.quotas import episode_quotas
from popgym.runs.seeds import Stream
from popgym.spaces.agent_input import AgentInput

RETURN_SUM, EPISODES = "return_sum", "episodes"  # of the episodes that ended, for their mean


class RolloutRunner(SingleAgentEnvRunner):
    """RLlib's runner with another inner loop.

    Module creation, weight synchronisation, metrics and ``sample()``'s arguments are RLlib's.
    Its Python episodes and connectors, which cost more than a small network, are not used.

    ``config.env`` is a name as in `popgym.runs.environment`; ``config.env_config`` may hold
    ``options``, ``vectorization``, ``wrappers``, ``previous_action`` and ``start_flag``, and
    ``source``, what the name stands for.
    """

    env: Any
    num_env_steps_sampled_lifetime: int  # of the whole run, as far as this runner knows
    _previous_action: Any  # the actions taken last, as the environments took them

    def make_env(self) -> None:
        """Builds the environments and what the network sees of them."""
        if self.env is not None:
            self.env.close()
        settings = dict(self.config.env_config)
        agent = {key: settings.pop(key, True) for key in ("previous_action", "start_flag")}
        self.num_envs = self.config.num_envs_per_env_runner
        source = settings.pop("source", self.config.env)
        self.env = make_environments(source, self.num_envs, **settings)
        self._native = hasattr(self.env.unwrapped, "snapshot")  # ours: checked by its own tests
        spaces = self.env.single_observation_space, self.env.single_action_space
        self._distribution = action_distribution(spaces[1])
        self._encode = AgentInput(*spaces, **agent)
        self._run_seed = seeds.some_seed(self.config.run_seed)
        self._generator = torch.Generator()  # of actions; seeded where episodes begin anew
        self._finished: list[tuple[np.ndarray, np.ndarray]] = []  # lengths, returns
        self._needs_initial_reset = True

    def make_module(self) -> None:
        """Build the acting network, which the learner's weights then replace."""
        with seeds.fresh_weights(seeds.some_seed(self.config.run_seed)):
            super().make_module()

    def stop(self) -> None:
        """Closes the environments; one that cannot be closed is no reason to lose a run."""
        try:
            if self.env is not None:
                close(self.env, self.config.env)
        except BrokenEnvironmentError as error:
            warnings.warn(str(error), stacklevel=2)

    def get_spaces(self) -> dict[str, tuple]:
        """The environment's spaces, and the module's: its observation is the encoded input."""
        if self.env is None:
            return self.spaces
        single = self.env.single_observation_space, self.env.single_action_space
        return {
            INPUT_ENV_SPACES: (self.env.observation_space, self.env.action_space),
            INPUT_ENV_SINGLE_SPACES: single,
            DEFAULT_MODULE_ID: (self._encode.space, single[1]),
        }

    @property
    def net(self) -> ActorCritic:
        """The acting network."""
        return self.module.unwrapped().net

    # ---- playing

    def _sample(  # the signature is RLlib's
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[Rollout | Fault]:
        try:
            if force_reset or num_episodes is not None or self._needs_initial_reset:
                self._reset_all(num_episodes is not None or self.config.in_evaluation)
            self.module.eval()
            with torch.inference_mode():
                if num_episodes is not None:
                    return [self._play_episodes(num_episodes, explore)]
                assert num_timesteps is not None
                steps = math.ceil(num_timesteps / self.num_envs)
                return [self._record(steps, explore, random_actions)]
        except Exception as error:
            self._needs_initial_reset = True
            if not self.worker_index:
                raise
            return [Fault.of(error)]

    def _reset_all(self, evaluating: bool) -> None:
        """New episodes everywhere; what was under way is forgotten."""
        seed = self._begin(evaluating) if evaluating or self._needs_initial_reset else None
        obs, _ = self._call_env(self.env.reset, seed=seed)
        B = self.num_envs
        self._start = np.ones(B, bool)
        self._previous_action = null_actions(self.env.single_action_space, B)
        self._input = self._encode_checked(obs)
        self._state = self.net.initial_state(B)
        self._returns, self._lengths = np.zeros(B), np.zeros(B, np.int64)
        self._needs_initial_reset = False

    def _begin(self, evaluating: bool) -> int | list[int]:
        """Start this runner's random streams; returns the seed of the environments."""
        path: tuple[int, ...] = (self.worker_index or 0,)
        streams = Stream.EVALUATION_ENVIRONMENTS, Stream.EVALUATION_ACTIONS
        if not evaluating:
            path += (int(self.num_env_steps_sampled_lifetime),)
            streams = Stream.ENVIRONMENTS, Stream.ACTIONS
        environments, actions = streams
        self._generator = seeds.generator(self._run_seed, actions, *path)
        return seeds.reset_seed(self.env, self._run_seed, environments, *path)

    def note_steps_made(self, steps: int) -> None:
        """Take note of how many steps the whole run has made, see `popgym.runs.seeds`."""
        made = max(steps, self.num_env_steps_sampled_lifetime)
        self.num_env_steps_sampled_lifetime = made

    def _record(self, steps: int, explore: bool, random_actions: bool) -> Rollout:
        """Plays ``steps`` steps in every environment."""
        B, T = self.num_envs, steps
        state = self.net.flatten_state(self._state)
        rollout = _empty_rollout(B, T, self._encode.size, self._distribution.num_inputs)
        rollout.state = {name: tensor.clone().numpy() for name, tensor in state.items()}
        actions = []
        for t in range(T):
            rollout.inputs[:, t], rollout.start[:, t] = self._input, self._start
            action_inputs, values = self._forward()
            action = self._choose(action_inputs, explore, random_actions)
            rollout.action_inputs[:, t], rollout.values[:, t] = action_inputs, values
            actions.append(action)
            rewards, terminated, truncated, final_values = self._step(action)
            rollout.rewards[:, t], rollout.terminated[:, t] = rewards, terminated
            rollout.truncated[:, t], rollout.final_values[:, t] = truncated, final_values
        rollout.actions = np.stack(actions, 1)
        rollout.last_value = self._peek()
        self._count(rollout.env_steps())
        return rollout

    def _forward(self) -> tuple[Tensor, Tensor]:
        """One acting step of the network; moves the memory on."""
        inputs, start = torch.from_numpy(self._input), torch.from_numpy(self._start)
        outputs, values, self._state = self.net(inputs[:, None], self._state, start[:, None])
        return outputs[:, 0], values[:, 0]

    def _peek(self) -> np.ndarray:
        """The value of the observation at hand, without moving the memory on."""
        state = self._state
        _, values = self._forward()
        self._state = state
        return values.numpy()

    def _choose(self, inputs: Tensor, explore: bool, random_actions: bool) -> np.ndarray:
        if random_actions:
            inputs = torch.zeros_like(inputs)
        if explore or random_actions:
            return self._distribution.sample(inputs, self._generator).numpy()
        return self._distribution.mode(inputs).numpy()

    def _step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
        """Moves every environment on; books what ended."""
        taken = self._distribution.to_env(action)
        self._previous_action = taken.copy()  # an environment may write into what it is given
        obs, rewards, terminated, truncated, info = self._call_env(self.env.step, taken)
        self._check_rewards(rewards)
        self._start = done = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        final_values: Any = 0.0
        if done.any():
            only_truncated = np.flatnonzero(truncated & ~terminated)
            if len(only_truncated):
                final_values = self._final_values(info["final_obs"], only_truncated)
            self._finished.append((self._lengths[done], self._returns[done]))
            self._returns[done], self._lengths[done] = 0.0, 0
        self._input = self._encode_checked(obs)
        return rewards, terminated, truncated, final_values

    def _final_values(self, final_obs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The value [B] of the last observation of truncated episodes, 0 elsewhere.

        It belongs to the old episode: the memory has not been cleared and no start is flagged.
        """
        obs = self._stacked([final_obs[row] for row in rows])
        self._check(obs, rows)
        inputs = self._encode(obs, self._previous_action[rows])
        flat = self.net.flatten_state(self._state)
        state = self.net.unflatten_state({k: v[torch.from_numpy(rows)] for k, v in flat.items()})
        values = np.zeros(self.num_envs, np.float32)
        values[rows] = self.net(torch.from_numpy(inputs)[:, None], state, None)[1][:, 0].numpy()
        return values

    def _stacked(self, observations: list[Any]) -> Any:
        try:
            return stacked(self.env.single_observation_space, observations)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise BrokenEnvironmentError(
                f"environment {self.config.env}: an episode ended with an observation of another "
                f"structure than its space's: {type(error).__name__}: {error}"
            ) from error

    def _encode_checked(self, obs: Any) -> np.ndarray:
        self._check(obs)
        return self._encode(obs, self._previous_action, self._start)

    def _check_rewards(self, rewards: np.ndarray) -> None:
        with np.errstate(over="ignore"):
            finite = np.isfinite(rewards.astype(np.float32))  # as a rollout keeps them
        if not finite.all():
            index = int(finite.argmin())
            raise BrokenEnvironmentError(
                f"environment {self.config.env}: environment {index} gave a reward that is not "
                f"finite, {rewards[index]}: mend its step()"
            )

    def _check(self, obs: Any, environments: np.ndarray | None = None) -> None:
        if self._native:
            return
        try:
            self._encode.check(obs, environments)
        except ValueError as error:
            raise BrokenEnvironmentError(f"environment {self.config.env}: {error}") from error

    def _call_env(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            raise BrokenEnvironmentError(
                f"environment {self.config.env} failed in {method.__name__}(): {describe(error)}"
            ) from error

    # ---- evaluation

    def _play_episodes(self, num_episodes: int, explore: bool) -> Rollout:
        """The first episodes of every environment, so many that there are n in all."""
        wanted = episode_quotas(num_episodes, self.num_envs)
        played = np.zeros(self.num_envs, np.int64)
        steps, self._finished = 0, []
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        while (played < wanted).any():
            returns, lengths = self._returns.copy(), self._lengths.copy()
            rewards, *_ = self._step(self._choose(self._forward()[0], explore, False))
            count = self._start & (played < wanted)
            if count.any():
                kept.append((lengths[count] + 1, returns[count] + rewards[count]))
            played += self._start
            steps += 1
        self._finished = kept
        self._needs_initial_reset = True
        self._count(steps * self.num_envs)
        return _empty_rollout(self.num_envs, steps, 0, 0)

    # ---- book-keeping

    def _count(self, steps: int) -> None:
        self.num_env_steps_sampled_lifetime += steps
        self._increase_sampled_metrics(steps, sum(len(lengths) for lengths, _ in self._finished))

    def get_metrics(self) -> dict[str, Any]:
        """RLlib's episode metrics, and the exact sum and count of this call's episodes."""
        finished, self._finished = self._finished, []
        if finished:
            lengths, returns = (np.concatenate(column) for column in zip(*finished, strict=True))
            self.metrics.log_value(RETURN_SUM, float(returns.sum()), reduce="sum")
            self.metrics.log_value(EPISODES, len(returns), reduce="sum")
            window = self.config.metrics_num_episodes_for_smoothing
            for length, total in _latest(lengths, returns, window):
                self._log_episode_metrics(int(length), float(total), 0.0)
        return self.metrics.reduce()

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """RLlib's state, and where the random numbers and the episodes under way stand."""
        state = super().get_state(*args, **kwargs)
        if self.env is None:
            return state
        state["generator"] = self._generator.get_state().numpy()
        if self._native and not self._needs_initial_reset:
            state["play"] = {
                "environments": self.env.snapshot(),
                **copy.deepcopy(self._play()),
            }
        return state

    def _play(self) -> dict[str, Any]:
        memory = {k: v.numpy() for k, v in self.net.flatten_state(self._state).items()}
        return {"memory": memory, **{name: getattr(self, name) for name in _PLAY}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up `get_state`'s; without a snapshot of the environments, episodes begin anew."""
        super().set_state(state)
        if self.env is None or "generator" not in state:
            return  # a weight synchronisation, not a restored run
        self._generator.set_state(torch.tensor(state["generator"]))
        self._needs_initial_reset = "play" not in state
        if "play" in state:
            play = copy.deepcopy(state["play"])
            self.env.restore(play["environments"])
            memory = {k: torch.from_numpy(v) for k, v in play["memory"].items()}
            self._state = self.net.unflatten_state(memory)
            for name in _PLAY:
                setattr(self, name, play[name])


_PLAY = ("_start", "_previous_action", "_input", "_returns", "_lengths")


def _latest(lengths: np.ndarray, returns: np.ndarray, count: int) -> Sequence[tuple]:
    return list(zip(lengths[-count:], returns[-count:], strict=True))


def _empty_rollout(B: int, T: int, features: int, action_inputs: int) -> Rollout:  # noqa: N803
    def numbers(*shape: int) -> np.ndarray:
        return np.zeros((B, T, *shape), np.float32)

    return Rollout(
        inputs=numbers(features), start=np.zeros((B, T), bool), state={}, actions=numbers(),
        action_inputs=numbers(action_inputs), values=numbers(), rewards=numbers(),
        terminated=np.zeros((B, T), bool), truncated=np.zeros((B, T), bool),
        final_values=numbers(), last_value=np.zeros(B, np.float32),
    )  # fmt: skip
