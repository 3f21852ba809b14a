"""An associative memory with exponential gates and a normalised output.

    Cₜ = exp(fₜ) Cₜ₋₁ + exp(iₜ) kₜ ⊗ vₜ        nₜ = exp(fₜ) nₜ₋₁ + exp(iₜ) kₜ
    oₜ = qₜ Cₜ / max(|qₜ · nₜ|, 1)

C, n and m are zero before an episode. To avoid overflow, C and n are stored divided by exp(mₜ),
mₜ = max(fₜ + mₜ₋₁, iₜ). The recurrence of n is that of C with values of 1, so that n is computed as
one more column of C. Over a chunk of steps, let Fᵢⱼ be the sum of f over the steps after j up to
and including i, F₀ᵢ the sum from the beginning of the chunk, and C, m the state before the chunk.
Then

    Dᵢⱼ = Fᵢⱼ + iⱼ for j ≤ i, else −∞        mᵢ = max(F₀ᵢ + m, maxⱼ Dᵢⱼ)
    Q C → diag(exp(F₀ + m − mᵢ)) Q C + (exp(D − mᵢ) ⊙ Q Kᵀ) V
    C'  =  exp(F₀_C + m − m') C + (diag(exp(D_C − m')) K)ᵀ V,  m' = m_C

Everything is computed in the precision of the state.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), appendix A.3,
https://arxiv.org/abs/2405.04517.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.chunked import Chunks, run_chunks, sums_between

_M_IN_DENOMINATOR = (-80.0, 14.0)
"""Limits of m in the denominator's lower bound exp(−m). exp(80) is finite in float32, and a
quotient by it is practically zero. exp(−14) keeps the denominator above 0, so that a query of zero
gives an output of zero; it is small compared to n, whose largest term was added with weight 1."""


def read_gated(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    i: Tensor,
    f: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
    start: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Run the recurrence for H heads.

    Args:
        q: Queries [B, T, H, K].
        k: Keys [B, T, H, K].
        v: Values [B, T, H, V].
        i: Logarithm of the input gate [B, T, H], of any size.
        f: Logarithm of the forget gate [B, T, H].
        state: C [B, H, K, V], n [B, H, K] and m [B, H] before the first step.
        start: Episode start mask [B, T] bool, or None. The values at the first step have no effect
            here; ``clear_at_first_step`` handles them.

    Returns:
        Outputs [B, T, H, V], and C, n and m after the last step.
    """
    C, n, m = state
    with torch.autocast(q.device.type, enabled=False):
        sums = torch.cat([C, n.unsqueeze(-1)], -1)  # [B, H, K, V + 1]
        q, k, v, i, f = (x.to(C.dtype) for x in (q, k, v, i, f))
        v = functional.pad(v, (0, 1), value=1)
        if q.shape[1] == 1:
            inputs = (x.transpose(1, 2) for x in (q, k, v, i, f))
            read, sums, m = _run_step(*inputs, sums=sums, m=m)
            read = read.transpose(1, 2)
        else:
            read, sums, m = run_chunks(partial(_run_chunks, (q, k, v, i, f), sums, m), q, start)
    return read, (sums[..., :-1], sums[..., -1], m)


def _run_step(
    q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor, sums: Tensor, m: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one step: [B, H, 1, ...] -> outputs [B, H, 1, V], and the sums and m after it."""
    m_tm1 = m.unsqueeze(-1)
    m_t = torch.maximum(f + m_tm1, i)  # [B, H, 1]
    fade, add = (f + m_tm1 - m_t).exp(), (i - m_t).exp()
    sums = fade.unsqueeze(-1) * sums + (add.unsqueeze(-1) * k).mT @ v
    return _divide(q @ sums, m_t), sums, m_t.squeeze(-1)


def _run_chunks(
    inputs: tuple[Tensor, ...], sums: Tensor, m: Tensor, chunks: Chunks, starts: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Run all chunks; ``starts`` [B, n, C] marks episode starts within chunks."""
    # [B, n, H, C, ...]
    q, k, v, i, f = (chunks.split(x).transpose(2, 3).contiguous() for x in inputs)
    # where v's column of ones is zero, there is a gap
    i = i.masked_fill(v[..., -1] == 0, -torch.inf)
    if starts is None:
        between = sums_between(f) + i.unsqueeze(-2)  # D
        largest = between.amax(-1)
    else:
        # an episode start clears C and n, and sets m to zero before f is added to it
        starts = starts.unsqueeze(2)
        candidates = torch.where(starts, torch.maximum(f, i), i)
        f = f.masked_fill(starts, -torch.inf)
        sums_of_f = sums_between(f)
        between = sums_of_f + i.unsqueeze(-2)
        largest = (sums_of_f + candidates.unsqueeze(-2)).amax(-1)
    from_start = f.cumsum(-1)
    m_before, m_after = chunks.carry_through(
        lambda m, f_c, largest_c: torch.maximum(f_c + m, largest_c),
        m,
        from_start[..., -1],
        largest[..., -1],
    )
    from_before = from_start + m_before.unsqueeze(-1)
    m = torch.maximum(from_before, largest)  # [B, n, H, C]
    weights = (between - m.unsqueeze(-1)).exp()
    fade = (from_before - m).exp().unsqueeze(-1)
    before, after = chunks.carry_through(
        lambda sums, fade_c, added: fade_c * sums + added,
        sums,
        fade[..., -1:, :],
        (weights[..., -1, :].unsqueeze(-1) * k).mT @ v,
    )
    read = _divide((fade * q) @ before + (weights * (q @ k.mT)) @ v, m)
    return chunks.join(read.transpose(2, 3)), after, m_after


def _divide(read: Tensor, m: Tensor) -> Tensor:
    """Divide q C by max(|q · n|, 1); q · n is the last column of ``read``."""
    numerator, denominator = read[..., :-1], read[..., -1:].abs()
    one = (-m.clamp(*_M_IN_DENOMINATOR)).exp().unsqueeze(-1)
    return numerator / torch.maximum(denominator, one)
