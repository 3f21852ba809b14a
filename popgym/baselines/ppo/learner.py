"""The learner: PPO's loss on minibatches of whole rows of a rollout."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import tree  # dm-tree, which RLlib brings
from ray.rllib.algorithms.ppo.ppo import (
    LEARNER_RESULTS_KL_KEY,
    LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY,
    LEARNER_RESULTS_VF_LOSS_UNCLIPPED_KEY,
)
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import COMPONENT_OPTIMIZER, DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from torch import Tensor

from popgym.baselines.ppo.advantages import advantages_and_targets
from popgym.baselines.ppo.rollout import Rollout
from popgym.baselines.rl_modules.memory_module import ROLLOUT_STATE, START
from popgym.networks.distributions import action_distribution
from popgym.runs import seeds
from popgym.runs.errors import TrainingDivergedError
from popgym.runs.seeds import Stream

KL_CUTOFF_WEIGHT = 1000.0  # TF-Agents' too: .03 nats too many add about 1 to the loss
DEVIATION_DECAY = 0.99  # an update: an early fluke, or a scale long left, is forgotten in hundreds

ROLLOUT = "rollout"
EXTRA = "popgym"  # what RLlib's learner state leaves out


def as_batch(rollout: Rollout) -> MultiAgentBatch:
    """Wraps a rollout for RLlib's learner group, which only looks at the number of steps."""
    batch = SampleBatch({ROLLOUT: np.array([None], object)})
    batch[ROLLOUT] = rollout
    return MultiAgentBatch({DEFAULT_MODULE_ID: batch}, env_steps=rollout.env_steps())


class PPOLearner(PPOTorchLearner):
    """PPO (Schulman et al. 2017) with RLlib's options: clipping, KL penalty, clipped value loss.

    Replaces how batches are made (whole rows of rollouts, no padding, no Python episodes) and
    the loss's arithmetic (the same numbers from fewer operations); optimiser, schedules,
    distributed gradients, checkpoints and metrics are RLlib's.

    Two things are added, for PPO undoes what it has learned. Once all goes well, advantages are
    but the errors of the value function; divided by their own small deviation they are as loud
    as lessons, and clipping, which only stops pushing, lets a policy that was never wrong slide
    through all minibatches of an update. So advantages are divided by no less than
    ``advantage_floor`` of the largest deviation of all batches so far (each learner's own), which
    fades by a hundredth an update, and a minibatch whose mean KL divergence from the policy that
    played exceeds ``kl_cutoff`` is pulled back by its excess squared, as in "Emergence of
    Locomotion Behaviours in Rich Environments" (Heess et al. 2017, algorithm 1).
    """

    def build(self) -> None:
        """RLlib's, and this learner's own stream of random numbers."""
        super().build()
        module = self.module[DEFAULT_MODULE_ID].unwrapped()
        self._distribution = action_distribution(module.action_space)
        seed = seeds.some_seed(self.config.run_seed)
        # All learners take their own rows in the same order; a checkpoint holds one generator.
        self._generator = seeds.generator(seed, Stream.MINIBATCHES)
        self._stats: dict[str, list[Tensor]] = {}
        self._deviation = self._largest_deviation = 0.0

    def _make_module(self) -> Any:
        with seeds.fresh_weights(seeds.some_seed(self.config.run_seed)):
            return super()._make_module()

    # ---- batches

    def _create_iterator_if_necessary(
        self,
        *,
        training_data: Any,
        num_epochs: int = 1,
        minibatch_size: int | None = None,
        **kwargs: Any,
    ) -> Iterator[MultiAgentBatch]:
        """Minibatches of whole rows, every row once an epoch, in an order drawn anew.

        Where the rows do not divide, there is one minibatch more and some are a row smaller,
        rather than one of few rows: each counts as one step of the optimiser, with the mean
        over its steps as the loss.
        """
        rollout: Rollout = training_data.batch.policy_batches[DEFAULT_MODULE_ID][ROLLOUT]
        B, T = rollout.rewards.shape
        rows = max(1, min(B, (minibatch_size or B * T) // T))
        minibatches = -(-B // rows)
        columns = tree.map_structure(self._tensor, dict(self._columns(rollout)))
        self._stats = {}
        for _ in range(num_epochs):
            order = torch.randperm(B, generator=self._generator).to(self._device)
            for chosen in order.tensor_split(minibatches):
                part = SampleBatch(tree.map_structure(itemgetter(chosen), columns))
                part.count = len(chosen) * T
                yield MultiAgentBatch({DEFAULT_MODULE_ID: part}, env_steps=part.count)
        self._check_finite()
        self._log_stats()

    def _columns(self, rollout: Rollout) -> Iterator[tuple[str, Any]]:
        """What the loss needs of each step, and the memory before each row."""
        config = self.config
        advantages, targets = advantages_and_targets(rollout, config.gamma, config.lambda_)
        yield Columns.OBS, rollout.inputs
        yield START, rollout.start
        yield ROLLOUT_STATE, rollout.state
        yield Columns.ACTIONS, rollout.actions
        yield Columns.ACTION_DIST_INPUTS, rollout.action_inputs
        inputs, actions = torch.from_numpy(rollout.action_inputs), torch.from_numpy(rollout.actions)
        yield Columns.ACTION_LOGP, self._distribution.log_prob(inputs, actions)
        yield Postprocessing.ADVANTAGES, self._normalised(advantages)
        yield Postprocessing.VALUE_TARGETS, targets

    def _normalised(self, advantages: np.ndarray) -> np.ndarray:
        """Of mean 0 and deviation 1, or less where former batches deviated far more."""
        self._deviation = deviation = float(advantages.std())
        self._largest_deviation = max(deviation, DEVIATION_DECAY * self._largest_deviation)
        least = self.config.advantage_floor * self._largest_deviation
        return (advantages - advantages.mean()) / max(1e-4, deviation, least)

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(array, device=self._device)

    def _set_slicing_by_batch_id(self, batch: Any, *, value: bool) -> Any:
        return batch  # rows are never cut

    # ---- the update

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Adam, all parameters in one fused kernel."""
        parameters = self.get_parameters(self._module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, fused=True),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """−min(ρÂ, clip(ρ)Â) + c₁ min((V − target)², v) − c₂ H + c₃ KL, averaged over all steps.

        Equations 7 to 9 of "Proximal Policy Optimization Algorithms" (2017); v is
        ``vf_clip_param``, ρ the ratio of new to old probability. If ``kl_cutoff``
        is not 0, 1000 max(0, KL − ``kl_cutoff``)² is added, of the minibatch's mean KL.
        """
        inputs, values = fwd_out[Columns.ACTION_DIST_INPUTS], fwd_out[Columns.EMBEDDINGS]
        advantages, targets = batch[Postprocessing.ADVANTAGES], batch[Postprocessing.VALUE_TARGETS]
        log_prob = self._distribution.log_prob(inputs, batch[Columns.ACTIONS])
        ratio = (log_prob - batch[Columns.ACTION_LOGP]).exp()
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
        squared_error = (values - targets).square()
        value_loss = squared_error.clamp(max=config.vf_clip_param).mean()
        loss = policy_loss + config.vf_loss_coeff * value_loss

        entropy_coefficient = self.entropy_coeff_schedulers_per_module[
            module_id
        ].get_current_value()
        with torch.set_grad_enabled(entropy_coefficient != 0):
            entropy = self._distribution.entropy(inputs).mean()
        with torch.set_grad_enabled(config.use_kl_loss or config.kl_cutoff > 0):
            kl = self._distribution.kl(batch[Columns.ACTION_DIST_INPUTS], inputs).mean()
        if entropy_coefficient != 0:
            loss = loss - entropy_coefficient * entropy
        if config.use_kl_loss:
            loss = loss + self.curr_kl_coeffs_per_module[module_id] * kl
        if config.kl_cutoff > 0:
            loss = loss + KL_CUTOFF_WEIGHT * (kl - config.kl_cutoff).clamp(min=0).square()
        self._keep(
            {
                POLICY_LOSS_KEY: policy_loss,
                VF_LOSS_KEY: value_loss,
                LEARNER_RESULTS_VF_LOSS_UNCLIPPED_KEY: squared_error.mean(),
                ENTROPY_KEY: entropy,
                LEARNER_RESULTS_KL_KEY: kl,
                self.TOTAL_LOSS_KEY: loss,
            }
        )
        if targets.numel() > 1:  # one step has no variance to explain
            with torch.no_grad():
                explained = 1 - (targets - values).var() / targets.var().clamp(min=1e-8)
            self._keep({LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY: explained})
        return loss

    def _uncompiled_update(self, batch: dict[str, Any], **kwargs: Any) -> tuple[Any, Any, dict]:
        """RLlib's update, with the forward pass in the configured precision."""
        bf16 = self.config.precision == "bf16"
        with torch.autocast(torch.device(self._device).type, torch.bfloat16, enabled=bf16):
            fwd_out = self.module.forward_train(batch)
        losses = self.compute_losses(fwd_out=fwd_out, batch=batch)
        gradients = self.postprocess_gradients(self.compute_gradients(losses))
        self.apply_gradients(gradients)
        return fwd_out, losses, {}

    # ---- book-keeping

    def _keep(self, stats: dict[str, Tensor]) -> None:
        for name, value in stats.items():
            self._stats.setdefault(name, []).append(value.detach())

    def _check_finite(self) -> None:
        """Stop at a loss, a weight or a scale of advantages that is not finite.

        A gradient that is not finite shows in the weights or in Adam's moments, also after the
        last minibatch. All are looked at once an update, not once a minibatch: reading a number
        off a device waits for it, and other learners wait for the gradients of this one.
        """
        moments = [
            moment
            for name in self._module_optimizers[DEFAULT_MODULE_ID]
            for state in self.get_optimizer(optimizer_name=name).state.values()
            for moment in state.values()
        ]
        checked = {
            self.TOTAL_LOSS_KEY: self._stats[self.TOTAL_LOSS_KEY],
            "a weight": list(self.module[DEFAULT_MODULE_ID].parameters()),
            "a moment of the gradient": moments,
            "the deviation of advantages": [torch.tensor(self._deviation)],
        }
        for name, tensors in checked.items():
            if not torch.cat([tensor.detach().flatten() for tensor in tensors]).isfinite().all():
                raise TrainingDivergedError(
                    f"{name} is not finite after {self._weights_seq_no} updates: lower the "
                    "learning rate (lr), clip the gradient (grad_clip), or check the "
                    "environment's rewards"
                )

    def _log_stats(self) -> None:
        """Log the means over the update's minibatches; one that is undefined is left out."""
        for name, values in self._stats.items():
            value = float(torch.stack(values).mean())
            if np.isfinite(value):
                self.metrics.log_value((DEFAULT_MODULE_ID, name), value, window=1)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """RLlib's state, and what it leaves out: KL coefficient, deviation, random numbers."""
        state = super().get_state(*args, **kwargs)
        if COMPONENT_OPTIMIZER in state:
            coefficient = self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]
            generator = self._generator.get_state().numpy()
            state[EXTRA] = {
                "kl_coefficient": float(coefficient),
                "largest_deviation": self._largest_deviation,
                "generator": generator,
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up `get_state`'s, also when it is older than what this learner holds."""
        if EXTRA in state:
            self._weights_seq_no = 0  # RLlib would ignore weights that are older than its own
            state = copy.deepcopy(state)  # Adam would go on in the given arrays
        super().set_state(state)
        if EXTRA in state:
            extra = state[EXTRA]
            self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].data.fill_(extra["kl_coefficient"])
            self._largest_deviation = extra["largest_deviation"]
            self._generator.set_state(torch.tensor(extra["generator"]))
