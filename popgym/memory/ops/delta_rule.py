"""The delta rule: an associative memory that corrects its stored values.

    Sₜ = αₜ Sₜ₋₁ + βₜ kₜ ⊗ (vₜ − kₜ αₜ Sₜ₋₁),  oₜ = qₜ Sₜ

where Sₜ₋₁ = 0 if step t begins an episode. First the state decays by the factor 0 < αₜ ≤ 1. Then
the value stored under the key kₜ moves towards vₜ: βₜ = 0 leaves it as it is, βₜ = 1 replaces it.
The value written at step t depends on the values written before. Within a chunk of steps, these
writes U solve a triangular system. Let S be the state before the chunk, Q, K, V the matrices of the
chunk's queries, keys and values, γᵢ the product of the chunk's α up to step i, and Γᵢⱼ = γᵢ / γⱼ.
Then

    (I + diag(β) tril(Γ ⊙ K Kᵀ, −1)) U = diag(β) (V − diag(γ) K S)
    O = diag(γ) Q S + tril(Γ ⊙ Q Kᵀ) U        S' = γ_C S + (diag(Γ_C) K)ᵀ U

Everything is computed in the precision of the state.

Yang et al., "Parallelizing Linear Transformers with the Delta Rule over Sequence Length" (2024),
section 3, https://arxiv.org/abs/2406.06484; with α, Yang, Kautz and Hatamizadeh, "Gated Delta
Networks: Improving Mamba2 with Delta Rule" (2024), section 3.3, https://arxiv.org/abs/2412.06464.
"""

from functools import partial

import torch
from torch import Tensor

from popgym.memory.ops.chunked import Chunks, run_chunks, sums_between


def read_delta(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    state: Tensor,
    start: Tensor | None = None,
    log_alpha: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Run the recurrence for H heads.

    Args:
        q: Queries [B, T, H, K].
        k: Keys [B, T, H, K]. Their norm must be at most 1; otherwise the state may grow without
            bound.
        v: Values [B, T, H, V].
        beta: Strength β of the correction [B, T, H].
        state: State before the first step [B, H, K, V].
        start: Episode start mask [B, T] bool, or None. The values at the first step have no effect
            here; ``clear_at_first_step`` handles them.
        log_alpha: Logarithm of the decay α [B, T, H], at most 0. None means no decay.

    Returns:
        Outputs [B, T, H, V], and the state after the last step.
    """
    with torch.autocast(q.device.type, enabled=False):
        if log_alpha is None:
            log_alpha = torch.zeros_like(beta)
        inputs = [x.to(state.dtype) for x in (q, k, v, beta, log_alpha)]
        if q.shape[1] == 1:
            read, state = _run_step(*(x.transpose(1, 2) for x in inputs), state=state)
            return read.transpose(1, 2), state
        read, state = run_chunks(partial(_run_chunks, inputs, state), q, start)
        return read, state


def _run_step(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_alpha: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Run one step: [B, H, 1, ...] -> outputs [B, H, 1, V] and state [B, H, K, V]."""
    state = log_alpha.exp().unsqueeze(-1) * state
    state = state + k.mT @ (beta.unsqueeze(-1) * (v - k @ state))
    return q @ state, state


def _run_chunks(
    inputs: list[Tensor], state: Tensor, chunks: Chunks, starts: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run all chunks; ``starts`` [B, n, C] marks episode starts within chunks."""
    # contiguous: several products use each of them; [B, n, H, C, ...]
    inputs = [chunks.split(x).transpose(2, 3).contiguous() for x in inputs]
    q, k, v, beta, log_alpha = inputs
    if starts is not None:
        # a decay of 0 clears the state where an episode begins
        log_alpha = log_alpha.masked_fill(starts.unsqueeze(2), -torch.inf)
    beta = beta.unsqueeze(-1)
    decay = sums_between(log_alpha).exp()  # Γ, 0 above the diagonal
    gamma = log_alpha.cumsum(-1).exp().unsqueeze(-1)
    system = beta * (decay * (k @ k.mT)).tril(-1)
    both = beta * torch.cat([v, gamma * k], -1)
    # unitriangular: torch ignores the diagonal; it solves in float32 or a wider dtype only
    wide = torch.promote_types(system.dtype, torch.float32)
    both = torch.linalg.solve_triangular(
        system.to(wide), both.to(wide), upper=False, unitriangular=True
    ).to(system.dtype)
    u_v, u_k = both.split([v.shape[-1], k.shape[-1]], -1)  # U = u_v - u_k S
    k_last = (decay[..., -1, :].unsqueeze(-1) * k).mT

    def step(state: Tensor, last: Tensor, added: Tensor, k_c: Tensor, u_k_c: Tensor) -> Tensor:
        return last * state + added - k_c @ (u_k_c @ state)

    before, after = chunks.carry_through(step, state, gamma[..., -1:, :], k_last @ u_v, k_last, u_k)
    u = u_v - u_k @ before
    read = (gamma * q) @ before + (decay * (q @ k.mT)) @ u
    return chunks.join(read.transpose(2, 3)), after
