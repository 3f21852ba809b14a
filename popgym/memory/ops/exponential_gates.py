"""Sums of keys and values under exponential gates, and their normalised reading.

    Cₜ = exp(fₜ) Cₜ₋₁ + exp(iₜ) kₜ ⊗ vₜ        nₜ = exp(fₜ) nₜ₋₁ + exp(iₜ) kₜ
    oₜ = qₜ Cₜ / max(|qₜ · nₜ|, 1)

where C and n are kept divided by exp(mₜ), mₜ = max(fₜ + mₜ₋₁, iₜ), and all is zero before an
episode. n is to values of 1 what C is to v: one more column of C. Over a chunk of steps, with Fᵢⱼ
the sum of f after step j up to i, F₀ that from the chunk's beginning, and C, m from before it,

    Dᵢⱼ = Fᵢⱼ + iⱼ for j ≤ i, else −∞        mᵢ = max(F₀ᵢ + m, maxⱼ Dᵢⱼ)
    Q C → diag(exp(F₀ + m − mᵢ)) Q C + (exp(D − mᵢ) ⊙ Q Kᵀ) V
    C'  =  exp(F₀_C + m − m') C + (diag(exp(D_C − m')) K)ᵀ V,  m' = m_C

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), appendix A.3,
https://arxiv.org/abs/2405.04517. All is computed in the precision of the state.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.chunked import Chunks, read_chunks, sums_between

_M_IN_DENOMINATOR = (-80.0, 14.0)
"""exp(80) is still a float32, and what is divided by it is zero for all purposes; exp(−14) stands
against n whose largest summand was added with weight 1, so that a query of zero reads zero."""


def read_gated(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    i: Tensor,
    f: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
    start: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Add each step's product of key and value, and read the sum with the query; H heads.

    Args:
        q: queries [B, T, H, K].
        k: keys [B, T, H, K].
        v: values [B, T, H, V].
        i: logarithm of the input gate [B, T, H], any number.
        f: logarithm of the forget gate [B, T, H].
        state: C [B, H, K, V], n [B, H, K] and m [B, H] before the first step.
        start: [B, T] bool or None. What it says of the first step changes nothing here: that is
            for ``clear_at_first_step``.

    Returns:
        What was read [B, T, H, V], and C, n and m after the last step.
    """
    C, n, m = state
    with torch.autocast(q.device.type, enabled=False):
        sums = torch.cat([C, n.unsqueeze(-1)], -1)  # [B, H, K, V + 1]
        q, k, v, i, f = (x.to(C.dtype) for x in (q, k, v, i, f))
        v = functional.pad(v, (0, 1), value=1)
        if q.shape[1] == 1:
            inputs = (x.transpose(1, 2) for x in (q, k, v, i, f))
            read, sums, m = _read_step(*inputs, sums=sums, m=m)
            read = read.transpose(1, 2)
        else:
            read, sums, m = read_chunks(partial(_read_chunks, (q, k, v, i, f), sums, m), q, start)
    return read, (sums[..., :-1], sums[..., -1], m)


def _read_step(
    q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor, sums: Tensor, m: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """[B, H, 1, ...] -> [B, H, 1, V], and the sums and m after."""
    m_tm1 = m.unsqueeze(-1)
    m_t = torch.maximum(f + m_tm1, i)  # [B, H, 1]
    fade, add = (f + m_tm1 - m_t).exp(), (i - m_t).exp()
    sums = fade.unsqueeze(-1) * sums + (add.unsqueeze(-1) * k).mT @ v
    return _divide(q @ sums, m_t), sums, m_t.squeeze(-1)


def _read_chunks(
    inputs: tuple[Tensor, ...], sums: Tensor, m: Tensor, chunks: Chunks, starts: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """See ``read_gated``; episodes begin within chunks where ``starts`` [B, n, C] says so."""
    # [B, n, H, C, ...]
    q, k, v, i, f = (chunks.split(x).transpose(2, 3).contiguous() for x in inputs)
    # where v's column of ones is zero there is no step
    i = i.masked_fill(v[..., -1] == 0, -torch.inf)
    if starts is None:
        between = sums_between(f) + i.unsqueeze(-2)  # D
        largest = between.amax(-1)
    else:
        # an episode begins where all is forgotten but for an m of zero, before f is added to it
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
    """Divide what was read of v by what was read of its column of ones, or by 1 if that is more."""
    numerator, denominator = read[..., :-1], read[..., -1:].abs()
    one = (-m.clamp(*_M_IN_DENOMINATOR)).exp().unsqueeze(-1)
    return numerator / torch.maximum(denominator, one)
