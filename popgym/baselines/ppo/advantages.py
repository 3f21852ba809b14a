"""Generalised advantage estimation on rollouts (Schulman et al. 2016, equation 16)."""

from __future__ import annotations

import numpy as np

from popgym.baselines.ppo.rollout import Rollout


def advantages_and_targets(
    rollout: Rollout, gamma: float, gae_lambda: float
) -> tuple[np.ndarray, np.ndarray]:
    """Advantages Â and value targets Â + V of every step, both [B, T].

    ::

        δₜ = rₜ + γ Vₜ₊₁ − Vₜ
        Âₜ = δₜ + γ λ Âₜ₊₁        within an episode, 0 beyond its end

    What stands for Vₜ₊₁ depends on how step t ended: 0 where the episode terminated, the value
    of the episode's last observation where it was truncated, ``last_value`` at the rollout's end.
    """
    done = rollout.terminated | rollout.truncated
    value_next = np.empty_like(rollout.values)
    value_next[:, :-1] = rollout.values[:, 1:]
    value_next[:, -1] = rollout.last_value
    value_next[done] = 0.0
    value_next += np.where(rollout.terminated, 0.0, rollout.final_values).astype(
        rollout.values.dtype
    )

    # Time first: each step of the loop below then touches one contiguous row.
    delta = (rollout.rewards + gamma * value_next - rollout.values).T.copy()
    carry = (gamma * gae_lambda * ~done).astype(rollout.values.dtype).T.copy()
    advantage = np.zeros(len(rollout.values), rollout.values.dtype)
    for delta_t, carry_t in zip(delta[::-1], carry[::-1], strict=True):
        advantage = delta_t + carry_t * advantage
        delta_t[:] = advantage  # δ is not needed again: its place takes the result
    advantages = np.ascontiguousarray(delta.T)
    return advantages, advantages + rollout.values
