"""Generalised advantage estimation on tapes (Schulman et al. 2016, equation 16)."""

from __future__ import annotations

import numpy as np

from popgym.baselines.ppo.rollout import Tape


def advantages_and_targets(
    tape: Tape, gamma: float, gae_lambda: float
) -> tuple[np.ndarray, np.ndarray]:
    """Advantages Â and value targets Â + V of every step, both [B, T].

    ::

        δₜ = rₜ + γ Vₜ₊₁ − Vₜ
        Âₜ = δₜ + γ λ Âₜ₊₁        within an episode, 0 beyond its end

    What stands for Vₜ₊₁ depends on how step t ended: 0 where the episode terminated, the value
    of the episode's last observation where it was truncated, ``last_value`` at the tape's end.
    """
    done = tape.terminated | tape.truncated
    value_next = np.empty_like(tape.values)
    value_next[:, :-1] = tape.values[:, 1:]
    value_next[:, -1] = tape.last_value
    value_next[done] = 0.0
    value_next += np.where(tape.terminated, 0.0, tape.final_values).astype(tape.values.dtype)

    # Time first: each step of the loop below then touches one contiguous row.
    delta = (tape.rewards + gamma * value_next - tape.values).T.copy()
    carry = (gamma * gae_lambda * ~done).astype(tape.values.dtype).T.copy()
    advantage = np.zeros(len(tape.values), tape.values.dtype)
    for delta_t, carry_t in zip(delta[::-1], carry[::-1], strict=True):
        advantage = delta_t + carry_t * advantage
        delta_t[:] = advantage  # δ is not needed again: its place takes the result
    advantages = np.ascontiguousarray(delta.T)
    return advantages, advantages + tape.values
