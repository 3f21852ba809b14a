"""Recurrent PPO from top to bottom: collect a rollout, estimate advantages, the loss, the update.

Schulman et al., "Proximal Policy Optimization Algorithms" (2017), https://arxiv.org/abs/1707.06347,
algorithm 1, with a policy that has a memory: minibatches are whole rows of a rollout, and gradients
flow through the memory over a row (truncated backpropagation through time).

What RLlib does around this: ``runner.py`` runs ``collect`` in its environment runners,
``learner.py`` runs ``update`` in its learners, and ``algorithm.py`` alternates the two and sends
the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from popgym.baselines.ppo.acting import Actor
from popgym.baselines.ppo.rollout import Rollout, empty_rollout, take
from popgym.networks.distributions import ActionDistribution
from popgym.runs.settings import KL_CUTOFF, KL_CUTOFF_REAL

KL_CUTOFF_WEIGHT = 1000.0
"""Weight of the squared excess over ``kl_cutoff``, as in TF-Agents. An excess of .03 nats adds
about 1 to the loss."""


# ---- 1. Collect a rollout: T steps in each of B environments


def collect(actor: Actor, steps: int, explore: bool, random_actions: bool = False) -> Rollout:
    """Play ``steps`` steps in every environment, with the network as it is.

    Args:
        actor: The environments and the network.
        steps: T.
        explore: Whether actions are drawn, as in training, or the most probable ones.
        random_actions: Whether actions are drawn without regard to the network.
    """
    rollout = empty_rollout(actor.env.num_envs, steps, actor.input, actor.distribution.num_inputs)
    state = actor.net.flatten_state(actor.state)
    rollout.state = {name: tensor.clone().numpy() for name, tensor in state.items()}
    actions = []
    for t in range(steps):
        for name, array in actor.input.items():
            rollout.inputs[name][:, t] = array
        rollout.start[:, t] = actor.start
        action_inputs, values = actor.forward()
        action = actor.choose(action_inputs, explore, random_actions)
        rollout.action_inputs[:, t], rollout.values[:, t] = action_inputs, values
        actions.append(action)
        rewards, terminated, truncated, final_values = actor.step(action)
        rollout.discounted[:, t] = actor.discounted
        rollout.rewards[:, t], rollout.terminated[:, t] = rewards, terminated
        rollout.truncated[:, t], rollout.final_values[:, t] = truncated, final_values
    rollout.actions = np.stack(actions, 1)
    rollout.last_value = actor.value()
    return rollout


# ---- 2. Advantages and value targets


def advantages_and_targets(
    rollout: Rollout, gamma: float, gae_lambda: float, reward_divisor: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return advantages Â and value targets Â + V of every step, both ``[B, T]``.

    ::

        δₜ = rₜ + γ Vₜ₊₁ − Vₜ
        Âₜ = δₜ + γ λ Âₜ₊₁        within an episode, 0 beyond its end

    What stands for Vₜ₊₁ depends on how step t ended: 0 where the episode terminated, the value
    of the episode's last observation where it was truncated, ``last_value`` at the rollout's end.
    Rewards are divided by ``reward_divisor``, in units of which the critic's values are.

    Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation"
    (2016), equation 16, https://arxiv.org/abs/1506.02438.
    """
    values = rollout.values
    done = rollout.terminated | rollout.truncated
    value_next = np.empty_like(values)
    value_next[:, :-1] = values[:, 1:]
    value_next[:, -1] = rollout.last_value
    value_next[done] = 0.0
    value_next += np.where(rollout.terminated, 0.0, rollout.final_values).astype(values.dtype)

    # Time first: each step of the loop below then touches one contiguous row.
    rewards = (rollout.rewards / reward_divisor).astype(values.dtype)
    delta = (rewards + gamma * value_next - values).T.copy()
    carry = (gamma * gae_lambda * ~done).astype(values.dtype).T.copy()
    advantage = np.zeros(len(values), values.dtype)
    for delta_t, carry_t in zip(delta[::-1], carry[::-1], strict=True):
        advantage = delta_t + carry_t * advantage
        delta_t[:] = advantage  # δ is not needed again, so its array holds the result
    advantages = np.ascontiguousarray(delta.T)
    return advantages, advantages + values


# ---- 3. The loss


def kl_cutoff_for(distribution: ActionDistribution) -> float:
    """Return the default of ``kl_cutoff``, which depends on the kind of actions."""
    return KL_CUTOFF_REAL if distribution.num_scales else KL_CUTOFF


@dataclass(frozen=True)
class LossOptions:
    """The numbers in the loss; their meaning and defaults are those of the settings."""

    clip: float
    value_coefficient: float
    entropy_coefficient: float
    kl_coefficient: float
    kl_cutoff: float


@dataclass
class Batch:
    """What the update needs of B rows of T steps, as tensors."""

    inputs: dict[str, Tensor]  # name -> [B, T, ...]
    start: Tensor  # [B, T] bool
    state: dict[str, Tensor]  # name -> [B, ...], the memory before each row
    actions: Tensor  # [B, T, ...]
    action_inputs: Tensor  # [B, T, I] of the policy that acted
    log_prob: Tensor  # [B, T] of the actions under that policy
    advantages: Tensor  # [B, T], normalised
    targets: Tensor  # [B, T] of the values

    def rows(self, chosen: Tensor) -> Batch:
        """Return copies of some of the rows."""
        return Batch(**{name: take(value, chosen) for name, value in vars(self).items()})


def ppo_loss(
    action_inputs: Tensor,
    values: Tensor,
    batch: Batch,
    distribution: ActionDistribution,
    options: LossOptions,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return −min(ρÂ, clip(ρ)Â) + c₁ (V − target)² − c₂ H + c₃ KL and its parts.

    All are means over the minibatch. ρ is the ratio of the new to the old probability of the
    action, KL = KL(old ‖ new). If ``kl_cutoff`` is not 0, 1000 max(0, KL − kl_cutoff)² is added.
    Clipping only removes the gradient of steps whose ratio has left the range; this term moves a
    policy back that has changed too much.

    Schulman et al. (2017), equations 7 to 9. The last term is that of Heess et al., "Emergence of
    Locomotion Behaviours in Rich Environments" (2017), algorithm 1,
    https://arxiv.org/abs/1707.02286.

    Args:
        action_inputs: Of the policy being trained [B, T, I].
        values: Of the critic being trained [B, T].
        batch: The minibatch.
        distribution: The action distribution.
        options: The coefficients.
    """
    log_prob = distribution.log_prob(action_inputs, batch.actions)
    ratio = (log_prob - batch.log_prob).exp()
    clipped = ratio.clamp(1 - options.clip, 1 + options.clip)
    policy_loss = -torch.min(ratio * batch.advantages, clipped * batch.advantages).mean()
    value_loss = (values - batch.targets).square().mean()
    loss = policy_loss + options.value_coefficient * value_loss

    has_entropy = options.entropy_coefficient != 0
    has_penalty = options.kl_coefficient != 0
    with torch.set_grad_enabled(has_entropy):
        entropy = distribution.entropy(action_inputs).mean()
    with torch.set_grad_enabled(has_penalty or options.kl_cutoff > 0):
        kl = distribution.kl(batch.action_inputs, action_inputs).mean()
    if has_entropy:
        loss = loss - options.entropy_coefficient * entropy
    if has_penalty:
        loss = loss + options.kl_coefficient * kl
    if options.kl_cutoff > 0:
        loss = loss + KL_CUTOFF_WEIGHT * (kl - options.kl_cutoff).clamp(min=0).square()
    parts = {
        "loss": loss, "policy_loss": policy_loss, "value_loss": value_loss,
        "entropy": entropy, "kl": kl,
    }  # fmt: skip
    if values.numel() > 1:  # one step has no variance to explain
        with torch.no_grad():
            targets = batch.targets
            explained = 1 - (targets - values).var() / targets.var().clamp(min=1e-8)
        parts["explained_variance"] = explained
    return loss, {name: part.detach() for name, part in parts.items()}


# ---- 4. The update


def minibatches(rows: int, minibatch_rows: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the rows of each minibatch of an epoch; every row occurs once, in random order.

    If the rows do not divide evenly, there is one more minibatch and some have one row less. The
    alternative, a last minibatch of few rows, would give these rows a larger weight, because every
    minibatch is one step of the optimiser.
    """
    yield from torch.randperm(rows, generator=generator).tensor_split(-(-rows // minibatch_rows))


def update(
    batch: Batch,
    forward: Callable[[Batch], tuple[Tensor, Tensor]],
    distribution: ActionDistribution,
    optimizer: torch.optim.Optimizer,
    clip_gradients: Callable[[], None],
    options: LossOptions,
    *,
    epochs: int,
    minibatch_size: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Take one step of the optimiser for each minibatch of each epoch.

    Args:
        batch: The rollout's rows.
        forward: Returns inputs of the action distribution and values of a minibatch.
        distribution: The action distribution.
        optimizer: Of the network's parameters.
        clip_gradients: Called between the backward pass and the step.
        options: Of the loss.
        epochs: Passes over the batch.
        minibatch_size: The most steps in a minibatch, which consists of whole rows (at least one).
        generator: Of the order of rows.

    Returns:
        The parts of the loss, means over all minibatches.
    """
    B, T = batch.start.shape
    minibatch_rows = max(1, min(B, minibatch_size // T))
    found: dict[str, list[Tensor]] = {}
    for _ in range(epochs):
        for chosen in minibatches(B, minibatch_rows, generator):
            part = batch.rows(chosen.to(batch.start.device))
            action_inputs, values = forward(part)
            loss, parts = ppo_loss(action_inputs, values, part, distribution, options)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            clip_gradients()
            optimizer.step()
            for name, value in parts.items():
                found.setdefault(name, []).append(value)
    return {name: torch.stack(values).mean() for name, values in found.items()}
