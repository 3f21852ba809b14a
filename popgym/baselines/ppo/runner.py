"""RLlib's environment runner, whose inner loop is ``popgym.baselines.ppo.ppo.collect``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from popgym.baselines.ppo.acting import Actor, failed, is_native
from popgym.baselines.ppo.ppo import collect
from popgym.baselines.ppo.rollout import Fault, Rollout, empty_rollout
from popgym.networks.actor_critic import ActorCritic
from popgym.networks.options import NetworkOptions
from popgym.runs import seeds
from popgym.runs.blame import close
from popgym.runs.environment import make_environments
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.seeds import Stream
from popgym.runs.settings import Settings
from popgym.spaces.inputs import InputEncoder
from popgym.spaces.masks import KEY, MaskReader, has_mask

# Settings that the encoder of the network's input depends on.
INPUT_SETTINGS = ("previous_action", "start_flag", "normalise_observations", "action_masks")
RETURN_SUM, EPISODES = "return_sum", "episodes"  # of the episodes that ended, for their mean


class RolloutRunner(SingleAgentEnvRunner):
    """Environment runner that returns one rollout of B environments and T steps.

    Module creation, weight synchronisation, metrics and the arguments of ``sample()`` are RLlib's.
    Its Python episodes and connectors, which cost more than a small network, are not used.

    ``config.env`` is a name as in ``popgym.runs.names``; ``config.env_config`` may hold
    ``options``, ``vectorization``, ``wrappers``, the settings of the network's input
    (``INPUT_SETTINGS``), and ``source``, what the name stands for.
    """

    env: Any
    num_env_steps_sampled_lifetime: int  # of the whole run, as far as this runner knows
    give_up: Callable[[], bool] = staticmethod(bool)  # whether to break off an evaluation; bool: no

    def make_env(self) -> None:
        """Build the environments and the actor."""
        if self.env is not None:
            self.env.close()
        settings = dict(self.config.env_config)
        sees = {name: settings.pop(name, getattr(Settings, name)) for name in INPUT_SETTINGS}
        self.num_envs = self.config.num_envs_per_env_runner
        source = settings.pop("source", self.config.env)
        self.env = make_environments(source, self.num_envs, **settings)
        self.actor = Actor(self.env, self.config.env, self._encoder(**sees), self.config.gamma)
        self._run_seed = seeds.some_seed(self.config.run_seed)
        self._needs_initial_reset = True

    def _encoder(
        self,
        previous_action: bool,
        start_flag: bool,
        normalise_observations: bool,
        action_masks: bool,
    ) -> InputEncoder:
        spaces = self.env.single_observation_space, self.env.single_action_space
        network = self.config.model_config or {}
        encoder = network.get("encoder", NetworkOptions.encoder)
        return InputEncoder(
            *spaces, previous_action, start_flag, normalise_observations,
            pictures=encoder != "none", masked=action_masks and self._gives_masks(*spaces),
        )  # fmt: skip

    def _gives_masks(self, *spaces: Any) -> bool:
        """Return whether the environment gives action masks; only a reset shows some."""
        if has_mask(*spaces):
            return True
        if is_native(self.env) or not MaskReader(spaces[1]).size:
            return False
        try:
            return KEY in self.env.reset(seed=0)[1]
        except Exception as error:
            raise failed(self.config.env, "reset", error) from error

    def make_module(self) -> None:
        """Build the acting network; the learner's weights then replace its own."""
        with seeds.fresh_weights(seeds.some_seed(self.config.run_seed)):
            super().make_module()

    def stop(self) -> None:
        """Close the environments; one that fails to close only causes a warning."""
        try:
            if self.env is not None:
                close(self.env, self.config.env)
        except BrokenEnvironmentError as error:
            warnings.warn(str(error), stacklevel=2)

    def get_spaces(self) -> dict[str, tuple]:
        """Return the spaces of the environment and of the module, which sees encoded inputs."""
        if self.env is None:
            return self.spaces
        single = self.env.single_observation_space, self.env.single_action_space
        return {
            INPUT_ENV_SPACES: (self.env.observation_space, self.env.action_space),
            INPUT_ENV_SINGLE_SPACES: single,
            DEFAULT_MODULE_ID: (self.actor.encode.space, single[1]),
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
        self.actor.net = self.net
        try:
            if force_reset or num_episodes is not None or self._needs_initial_reset:
                self._reset_all(num_episodes is not None or self.config.in_evaluation)
            self.module.eval()
            with torch.inference_mode():
                if num_episodes is not None:
                    return [self._evaluate(num_episodes, explore)]
                assert num_timesteps is not None
                steps = math.ceil(num_timesteps / self.num_envs)
                rollout = collect(self.actor, steps, explore, random_actions)
            self._count(rollout.env_steps())
            return [rollout]
        except Exception as error:
            self._needs_initial_reset = True
            if not self.worker_index:
                raise
            return [Fault.of(error)]

    def _evaluate(self, num_episodes: int, explore: bool) -> Rollout:
        steps = self.actor.play_episodes(num_episodes, explore, self.give_up)
        self._needs_initial_reset = True
        self._count(steps * self.num_envs)
        return empty_rollout(self.num_envs, steps, {}, 0)

    def _reset_all(self, evaluating: bool) -> None:
        seed = self._begin(evaluating) if evaluating or self._needs_initial_reset else None
        self.actor.reset(seed)
        self._needs_initial_reset = False

    def _begin(self, evaluating: bool) -> int | list[int]:
        """Start this runner's random streams and return the seed of the environments."""
        path: tuple[int, ...] = (self.worker_index or 0,)
        streams = Stream.EVALUATION_ENVIRONMENTS, Stream.EVALUATION_ACTIONS
        if not evaluating:
            path += (int(self.num_env_steps_sampled_lifetime),)
            streams = Stream.ENVIRONMENTS, Stream.ACTIONS
        environments, actions = streams
        self.actor.generator = seeds.generator(self._run_seed, actions, *path)
        return seeds.reset_seed(self.env, self._run_seed, environments, *path)

    def note_steps_made(self, steps: int) -> None:
        """Take note of how many steps the whole run has made, see ``popgym.runs.seeds``."""
        made = max(steps, self.num_env_steps_sampled_lifetime)
        self.num_env_steps_sampled_lifetime = made

    # ---- metrics and checkpoints

    def _count(self, steps: int) -> None:
        self.num_env_steps_sampled_lifetime += steps
        episodes = sum(len(lengths) for lengths, _ in self.actor.finished)
        self._increase_sampled_metrics(steps, episodes)

    def get_metrics(self) -> dict[str, Any]:
        """Return RLlib's episode metrics, and the exact sum and count of this call's episodes."""
        finished, self.actor.finished = self.actor.finished, []
        if finished:
            lengths, returns = (np.concatenate(column) for column in zip(*finished, strict=True))
            self.metrics.log_value(RETURN_SUM, float(returns.sum()), reduce="sum")
            self.metrics.log_value(EPISODES, len(returns), reduce="sum")
            window = self.config.metrics_num_episodes_for_smoothing
            for length, total in zip(lengths[-window:], returns[-window:], strict=True):
                self._log_episode_metrics(int(length), float(total), 0.0)
        return self.metrics.reduce()

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return RLlib's state, the random numbers of actions, and the episodes under way."""
        state = super().get_state(*args, **kwargs)
        if self.env is None:
            return state
        state["generator"] = self.actor.generator.get_state().numpy()
        if self.actor.is_native and not self._needs_initial_reset:
            state["play"] = self.actor.snapshot()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``get_state`` returned; without episodes in it, new ones begin."""
        super().set_state(state)
        if self.env is None or "generator" not in state:
            return  # a weight synchronisation, not a restored run
        self.actor.net = self.net
        self.actor.generator.set_state(torch.tensor(state["generator"]))
        self._needs_initial_reset = "play" not in state
        if "play" in state:
            self.actor.restore(state["play"])
