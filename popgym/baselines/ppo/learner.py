"""RLlib's PPO learner, whose inner loop is ``popgym.baselines.ppo.ppo.update``."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.ppo import (
    LEARNER_RESULTS_KL_KEY,
    LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY,
)
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import COMPONENT_OPTIMIZER, DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from torch import Tensor, nn

from popgym.baselines.ppo import ppo
from popgym.baselines.ppo.rollout import Rollout
from popgym.baselines.ppo.scaling import AdvantageScale, ObservationScale, RewardScale
from popgym.baselines.rl_modules.memory_module import ROLLOUT_STATE, START
from popgym.inputs import MEASURED
from popgym.networks.action_spaces import action_distribution
from popgym.networks.normaliser import Normaliser
from popgym.runs import seeds
from popgym.runs.errors import TrainingDivergedError
from popgym.runs.seeds import Stream

ROLLOUT = "rollout"
EXTRA = "popgym"  # what RLlib's learner state leaves out

# Parts of the loss by RLlib's names.
_METRICS = {
    "loss": PPOTorchLearner.TOTAL_LOSS_KEY,
    "policy_loss": POLICY_LOSS_KEY,
    "value_loss": VF_LOSS_KEY,
    "explained_variance": LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY,
    "entropy": ENTROPY_KEY,
    "kl": LEARNER_RESULTS_KL_KEY,
}


def as_batch(rollout: Rollout) -> MultiAgentBatch:
    """Wrap a rollout for RLlib's learner group, which only uses the number of steps."""
    batch = SampleBatch({ROLLOUT: np.array([None], object)})
    batch[ROLLOUT] = rollout
    return MultiAgentBatch({DEFAULT_MODULE_ID: batch}, env_steps=rollout.env_steps())


def _of_steps(steps: int) -> MultiAgentBatch:
    """A batch without data, for RLlib's counters."""
    batch = SampleBatch({})
    batch.count = steps
    return MultiAgentBatch({DEFAULT_MODULE_ID: batch}, env_steps=steps)


class PPOLearner(PPOTorchLearner):
    """PPO learner for rollouts, with RLlib's options (clipping, KL penalty).

    The batches, the loss and the loop over minibatches are in ``popgym.baselines.ppo.ppo``. The
    optimiser, schedules, distributed gradients, checkpoints and metrics are RLlib's.
    """

    def build(self) -> None:
        """Build RLlib's parts, and this learner's own stream of random numbers."""
        super().build()
        module = self.module[DEFAULT_MODULE_ID].unwrapped()
        self._distribution = action_distribution(module.action_space)
        seed = seeds.some_seed(self.config.run_seed)
        # All learners take their own rows in the same order; a checkpoint holds one generator.
        self._generator = seeds.generator(seed, Stream.MINIBATCHES)
        self._advantage_scale = AdvantageScale()
        self._reward_scale = RewardScale()
        normaliser = self._normaliser()
        self._observation_scale = (
            None if normaliser is None else ObservationScale(len(normaliser.mean))
        )

    def _make_module(self) -> Any:
        with seeds.fresh_weights(seeds.some_seed(self.config.run_seed)):
            return super()._make_module()

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register Adam with all parameters in one fused kernel."""
        parameters = self.get_parameters(self._module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, fused=True),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    # ---- the update

    def update(  # the signature is RLlib's
        self,
        *,
        training_data: Any,
        timesteps: dict[str, Any] | None = None,
        num_epochs: int = 1,
        minibatch_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Learn from one rollout; see ``popgym.baselines.ppo.ppo.update``.

        Returns:
            RLlib's metrics.

        Raises:
            TrainingDivergedError: If a loss, a weight or the scale of advantages is not finite.
        """
        self._check_is_built()
        self.before_gradient_based_update(timesteps=timesteps or {})
        training_data.validate()
        training_data.solve_refs()
        self._weights_seq_no += 1
        rollout: Rollout = training_data.batch.policy_batches[DEFAULT_MODULE_ID][ROLLOUT]
        parts = ppo.update(
            self.batch_of(rollout),
            self.forward,
            self._distribution,
            self.get_optimizer(DEFAULT_MODULE_ID),
            self._clip_gradients,
            self.loss_options(),
            epochs=num_epochs,
            minibatch_size=minibatch_size or rollout.env_steps(),
            generator=self._generator,
        )
        self._learn_inputs(rollout)
        self._check_finite(parts["loss"])
        self._log(parts)
        self._log_steps_trained_metrics(_of_steps(rollout.env_steps() * num_epochs))
        self.after_gradient_based_update(timesteps=timesteps or {})
        return self.metrics.reduce()

    def batch_of(self, rollout: Rollout) -> ppo.Batch:
        """Return what the update needs of a rollout, on the learner's device."""
        config, scale, new = self.config, self._reward_scale, ~rollout.repeated
        if config.normalise_rewards:
            scale.add(rollout.discounted[new], config.num_learners)
        divisor = scale.divisor
        advantages, targets = ppo.advantages_and_targets(
            rollout, config.gamma, config.lambda_, divisor
        )
        if config.normalise_rewards:
            scale.add_targets(divisor * targets[new].astype(np.float64), config.num_learners)
        advantages = self._advantage_scale.normalise(advantages, config.advantage_floor)
        inputs, actions = map(self._tensor, (rollout.action_inputs, rollout.actions))
        return ppo.Batch(
            inputs={name: self._tensor(array) for name, array in rollout.inputs.items()},
            start=self._tensor(rollout.start),
            state={name: self._tensor(array) for name, array in rollout.state.items()},
            actions=actions,
            action_inputs=inputs,
            log_prob=self._distribution.log_prob(inputs, actions),
            advantages=self._tensor(advantages),
            targets=self._tensor(targets),
        )

    def _learn_inputs(self, rollout: Rollout) -> None:
        """Update the statistics of observations.

        This comes after the update of the weights, so that the update sees the inputs that the
        acting network saw. The runners get the new statistics with the weights.
        """
        scale, normaliser = self._observation_scale, self._normaliser()
        if scale is not None and normaliser is not None:
            new = rollout.inputs[MEASURED][~rollout.repeated]
            scale.add(new, self.config.num_learners)
            normaliser.mean.copy_(self._tensor(scale.mean))
            normaliser.deviation.copy_(self._tensor(scale.deviation))

    def _normaliser(self) -> Normaliser | None:
        return self.module[DEFAULT_MODULE_ID].unwrapped().net.inputs.normaliser

    def loss_options(self) -> ppo.LossOptions:
        """Return the coefficients of the loss, with those that RLlib schedules or adapts."""
        config = self.config
        entropy = self.entropy_coeff_schedulers_per_module[DEFAULT_MODULE_ID].get_current_value()
        kl = self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]
        cutoff = config.kl_cutoff
        return ppo.LossOptions(
            clip=config.clip_param,
            value_coefficient=config.vf_loss_coeff,
            entropy_coefficient=float(entropy),  # a tensor if it is scheduled
            kl_coefficient=float(kl) if config.use_kl_loss else 0.0,
            kl_cutoff=ppo.kl_cutoff_for(self._distribution) if cutoff is None else cutoff,
        )

    def forward(self, batch: ppo.Batch) -> tuple[Tensor, Tensor]:
        """Run the network on a minibatch in the configured precision.

        Returns:
            Inputs of the action distribution [B, T, I] and values [B, T].
        """
        bf16 = self.config.precision == "bf16"
        columns = {Columns.OBS: batch.inputs, START: batch.start, ROLLOUT_STATE: batch.state}
        with torch.autocast(torch.device(self._device).type, torch.bfloat16, enabled=bf16):
            out = self.module[DEFAULT_MODULE_ID].forward_train(columns)
        return out[Columns.ACTION_DIST_INPUTS], out[Columns.EMBEDDINGS]

    def _clip_gradients(self) -> None:
        """Clip gradients in place, by RLlib's options ``grad_clip`` and ``grad_clip_by``."""
        weights, limit = list(self._params.values()), self.config.grad_clip
        if limit is None:
            return
        if self.config.grad_clip_by == "global_norm":
            nn.utils.clip_grad_norm_(weights, limit, foreach=True)
        elif self.config.grad_clip_by == "value":
            nn.utils.clip_grad_value_(weights, limit)
        else:
            for weight in weights:
                nn.utils.clip_grad_norm_(weight, limit)

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(array, device=self._device)

    # ---- checks, metrics, checkpoints

    def _check_finite(self, loss: Tensor) -> None:
        """Stop at a loss, a weight or a scale of advantages that is not finite.

        A gradient that is not finite shows in the weights or in Adam's moments, also after the
        last minibatch. The check runs once an update, not once a minibatch, because reading a
        number from a device waits for it, and because other learners wait for this one's gradients.
        """
        optimizer = self.get_optimizer(DEFAULT_MODULE_ID)
        moments = [moment for state in optimizer.state.values() for moment in state.values()]
        checked = {
            "the loss": [loss],
            "a weight": list(self.module[DEFAULT_MODULE_ID].parameters()),
            "a moment of the gradient": moments,
            "the deviation of advantages": [torch.tensor(self._advantage_scale.deviation)],
        }
        for name, tensors in checked.items():
            if not torch.cat([tensor.detach().flatten() for tensor in tensors]).isfinite().all():
                raise TrainingDivergedError(
                    f"{name} is not finite after {self._weights_seq_no} updates: lower the "
                    "learning rate (lr), clip the gradient (grad_clip), or check the "
                    "environment's rewards"
                )

    def _log(self, parts: Mapping[str, Tensor]) -> None:
        """Log the parts of the loss; one that is undefined is left out."""
        for name, part in parts.items():
            value = float(part)
            if np.isfinite(value):
                self.metrics.log_value((DEFAULT_MODULE_ID, _METRICS[name]), value, window=1)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return RLlib's state, and what it leaves out: KL coefficient, deviation, generator."""
        state = super().get_state(*args, **kwargs)
        if COMPONENT_OPTIMIZER in state:
            state[EXTRA] = {
                "kl_coefficient": float(self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]),
                "largest_deviation": self._advantage_scale.largest_deviation,
                "reward_scale": _numbers(self._reward_scale),
                "observation_scale": _numbers(self._observation_scale),
                "generator": self._generator.get_state().numpy(),
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``get_state`` returned, also when it is older than what this learner has."""
        if EXTRA in state:
            self._weights_seq_no = 0  # RLlib would ignore weights that are older than its own
            state = copy.deepcopy(state)  # Adam would go on in the given arrays
        super().set_state(state)
        if EXTRA in state:
            extra = state[EXTRA]
            self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].data.fill_(extra["kl_coefficient"])
            self._advantage_scale.largest_deviation = extra["largest_deviation"]
            vars(self._reward_scale).update(extra["reward_scale"])
            if self._observation_scale is not None:
                vars(self._observation_scale).update(extra["observation_scale"])
            self._generator.set_state(torch.tensor(extra["generator"]))


def _numbers(scale: Any) -> dict[str, Any]:
    """Return what a scale has to remember; {} for None."""
    return {} if scale is None else dict(vars(scale))
