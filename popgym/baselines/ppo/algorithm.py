"""The algorithm and its configuration: RLlib's PPO with rollouts in place of its episodes."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

import ray
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    ENV_RUNNER_SAMPLING_TIMER,
    LEARNER_RESULTS,
    LEARNER_UPDATE_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    SYNCH_WORKER_WEIGHTS_TIMER,
    TIMERS,
)

from popgym.baselines.ppo.learner import PPOLearner, as_batch
from popgym.baselines.ppo.no_cluster import without_cluster
from popgym.baselines.ppo.rollout import Rollout
from popgym.baselines.ppo.runner import RolloutRunner
from popgym.baselines.ppo.sampling import sample_rollouts
from popgym.baselines.remote import failing_constructors_told
from popgym.baselines.rl_modules.memory_module import MemoryModule
from popgym.runs.settings import Settings

# What RLlib's options of ``training`` are called in the settings, which hold the defaults.
OPTIONS = {
    "num_epochs": "epochs",
    "gamma": "gamma",
    "lambda_": "gae_lambda",
    "clip_param": "clip",
    "vf_loss_coeff": "value_coefficient",
    "kl_coeff": "kl_coefficient",
    "kl_target": "kl_target",
    "kl_cutoff": "kl_cutoff",
    "advantage_floor": "advantage_floor",
    "normalise_rewards": "normalise_rewards",
    "grad_clip": "grad_clip",
    "precision": "precision",
}


class RecurrentPPOConfig(PPOConfig):
    """RLlib's ``PPOConfig``, with the defaults of ``popgym.runs.settings.Settings``.

    Only the learning rate does not fall, because a configuration does not know how many steps will
    be made: give ``training(lr=[[0, 1e-3], [steps, 0.0]])`` for that.

    ``environment(env)`` takes a name as in ``popgym.runs.names``,
    ``rl_module(model_config={"memory": "gru", ...})`` the options of ``MemoryModule``.

    ``debugging(seed=...)`` sets ``run_seed``, see ``popgym.runs.seeds``. RLlib itself gets no seed,
    because it would seed the global generators of the process.
    """

    run_seed: int | None
    kl_cutoff: float | None = None  # the learner chooses, as for the settings

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or RecurrentPPO)
        self.env_runner_cls = RolloutRunner
        self.num_env_runners = 0
        # A configuration does not know how many steps a run will make.
        self.apply(Settings(env="", lr_final=None).resolved())
        self.rollout_fragment_length = "auto"  # so that it fits another number of runners
        # ``PPOLearner`` checks once an update that all is finite, RLlib twice a minibatch.
        self.torch_skip_nan_gradients = True

    def apply(self, settings: Settings) -> RecurrentPPOConfig:
        """Set all options of sampling and learning as resolved settings say."""
        assert settings.rollout is not None and settings.minibatch_size is not None
        runners, learners = max(1, settings.runners), max(1, settings.learners)
        self.env_runners(
            num_env_runners=settings.runners,
            num_envs_per_env_runner=settings.num_envs // runners,
            rollout_fragment_length=settings.rollout,
        )
        self.learners(
            num_learners=settings.learners, num_gpus_per_learner=int(settings.device == "cuda")
        )
        return self.training(
            train_batch_size_per_learner=settings.batch_size // learners,
            minibatch_size=max(settings.rollout, settings.minibatch_size // learners),
            lr=_schedule(settings.lr, settings.lr_final, settings.steps),
            entropy_coeff=_schedule(
                settings.entropy_coefficient, settings.entropy_final, settings.steps
            ),
            use_kl_loss=settings.kl_coefficient > 0,
            grad_clip_by="global_norm",
            **{name: getattr(settings, ours) for name, ours in OPTIONS.items()},
        )

    def training(
        self,
        *,
        precision: str | None = None,
        kl_cutoff: float | None = None,
        advantage_floor: float | None = None,
        normalise_rewards: bool | None = None,
        **kwargs: Any,
    ) -> RecurrentPPOConfig:
        """Set RLlib's options and those that RLlib does not have.

        Args:
            precision: "float32", or "bf16" for autocast with weights kept in float32.
            kl_cutoff: KL divergence from the policy that acted, in nats, beyond which a steep
                penalty is added (``popgym.baselines.ppo.ppo.ppo_loss``). 0 disables it. If it is
                never given, ``popgym.baselines.ppo.ppo.kl_cutoff_for`` chooses.
            advantage_floor: Lower bound of the divisor in advantage normalisation, as a fraction
                of the largest standard deviation seen so far
                (``popgym.baselines.ppo.scaling.AdvantageScale``). 0 disables it.
            normalise_rewards: Whether rewards are divided by the size of returns so far
                (``popgym.baselines.ppo.scaling.RewardScale``).
            **kwargs: See ``PPOConfig.training``.

        Raises:
            ValueError: If the precision is unknown or a number is out of range.
        """
        if "vf_clip_param" in kwargs:
            raise ValueError(
                "vf_clip_param does not exist here, because the value error is not clipped: "
                "leave it out; large rewards are normalised (normalise_rewards)"
            )
        super().training(**kwargs)
        own = {
            "precision": precision, "kl_cutoff": kl_cutoff, "advantage_floor": advantage_floor,
            "normalise_rewards": normalise_rewards,
        }  # fmt: skip
        given: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        checked = Settings(env="", **given)  # the settings know what is allowed
        for name in given:
            setattr(self, name, getattr(checked, name))
        return self

    @property
    def seed(self) -> None:
        """Always None, for RLlib. A value that is set becomes ``run_seed``."""
        return None

    @seed.setter
    def seed(self, value: int | None) -> None:
        self.run_seed = value

    def get_default_learner_class(self) -> type:
        """Return the learner for rollouts."""
        return PPOLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Return the module for every memory. It gets the key "rollout", see ``MemoryModule``."""
        return RLModuleSpec(module_class=MemoryModule)

    @property
    def _model_config_auto_includes(self) -> dict[str, Any]:
        return {"rollout": True}

    @property
    def is_embedded(self) -> bool:
        """Whether everything runs in this process, without Ray actors."""
        remote = self.num_env_runners, self.num_learners, self.evaluation_num_env_runners
        return not any(remote)


def _schedule(first: float, last: float | None, steps: int) -> float | list[list[float]]:
    """Return RLlib's schedule from ``first`` at step 0 to ``last`` at step ``steps``."""
    return first if last is None else [[0, first], [steps, last]]


class RecurrentPPO(PPO):
    """PPO on rollouts. Everything around the training step is RLlib's ``Algorithm``."""

    @classmethod
    def get_default_config(cls) -> RecurrentPPOConfig:
        """Return the configuration of this algorithm."""
        return RecurrentPPOConfig()

    def _setup_logdir(self) -> None:
        """Use a temporary folder outside Tune, so that none is left in the user's home."""
        if self._storage:
            super()._setup_logdir()
            return
        self._temporary = tempfile.TemporaryDirectory(prefix="popgym-")
        self._logdir = self._temporary.name

    def setup(self, config: Any) -> None:
        """Build runners and learners; without remote ones no Ray cluster is started."""
        with self._embedded(), failing_constructors_told():
            super().setup(config)

    def train(self) -> Any:
        """Run an iteration, and raise errors as they are.

        Tune would copy them, which fails for exceptions whose constructor takes more than a
        message.
        """
        self._error: Exception | None = None
        try:
            return super().train()
        except Exception:
            if self._error is not None:
                raise self._error from self._error.__cause__
            raise

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Run RLlib's evaluation, without a cluster if everything runs in this process."""
        with self._embedded():
            return super().evaluate(*args, **kwargs)

    def _embedded(self) -> contextlib.AbstractContextManager[None]:
        if ray.is_initialized() or not self.config.is_embedded:
            return contextlib.nullcontext()
        return without_cluster()

    def _steps_made(self) -> int:
        counter = (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
        return int(self.metrics.peek(counter, default=0))

    def training_step(self) -> None:
        """Sample rollouts, update the weights, and send them to the runners."""
        try:
            self._sample_and_update()
        except Exception as error:
            self._error = error
            raise

    def _sample_and_update(self) -> None:
        with self.metrics.log_time((TIMERS, ENV_RUNNER_SAMPLING_TIMER)):
            rollouts, results = sample_rollouts(
                self.env_runner_group,
                self.config.total_train_batch_size,
                self._steps_made(),
                self.config.sample_timeout_s,
            )
            if not rollouts:
                return  # every runner failed; RLlib restarts them
            self.metrics.aggregate(results, key=ENV_RUNNER_RESULTS)
        with self.metrics.log_time((TIMERS, LEARNER_UPDATE_TIMER)):
            learner_results = self.learner_group.update(
                **self._shards(Rollout.join(rollouts)),
                timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: self._steps_made()},
                num_epochs=self.config.num_epochs,
                minibatch_size=self.config.minibatch_size,
            )
            self.metrics.aggregate(learner_results, key=LEARNER_RESULTS)
        timer = self.metrics.log_time((TIMERS, SYNCH_WORKER_WEIGHTS_TIMER))
        with timer, self._embedded():
            self.env_runner_group.sync_weights(
                from_worker_or_learner_group=self.learner_group, inference_only=True
            )

    def _shards(self, rollout: Rollout) -> dict[str, Any]:
        if not self.config.num_learners:
            return {"batch": as_batch(rollout)}
        return {"batches": [as_batch(part) for part in rollout.shards(self.config.num_learners)]}

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restore a checkpoint, and send the weights once more to every runner.

        RLlib compares sequence numbers. So it keeps newer weights in the runners when an older
        checkpoint is restored. It also drops the weights of remote runners that are still starting.
        """
        with self._embedded():
            super().restore_from_path(path, *args, **kwargs)
        component = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
        weights = self.learner_group.get_state(components=component, inference_only=True)
        state = {COMPONENT_RL_MODULE: weights[COMPONENT_LEARNER][COMPONENT_RL_MODULE]}
        for group in (self.env_runner_group, self.eval_env_runner_group):
            if group is not None:
                group.foreach_env_runner(lambda runner: runner.set_state(state))
