"""Associative memories whose state is a sum, or a maximum, of key-value products.

    Sₜ = Sₜ₋₁ + kₜ ⊗ vₜ,  oₜ = qₜ Sₜ                                            ``read_sum``
    Sₜ = max(Sₜ₋₁, kₜ ⊗ vₜ),  oₜ = qₜ Sₜ                                        ``read_max``

where Sₜ₋₁ = 0 if step t begins an episode. The sum is computed chunk by chunk with matrix products.
With the state S before the chunk, and Q, K, V the matrices of the chunk's queries, keys and values,

    O = Q S + tril(Q Kᵀ) V        S' = S + Kᵀ V

If episodes begin within the chunk, the weights between steps of different episodes are set to zero.
Everything is computed in the precision of the state.

Katharopoulos et al. (2020), equations 16 to 20, https://arxiv.org/abs/2006.16236; in chunks after
Hua et al., "Transformer Quality in Linear Time" (2022), section 3.3,
https://arxiv.org/abs/2202.10447.
"""

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from popgym.memory.ops.chunked import Chunks, run_chunks
from popgym.memory.ops.resets import clear_rows, reset_steps

_EPSILON = 1e-5


def feature_map(x: Tensor) -> Tensor:
    """Return φ(x) = relu(x) / (10⁻⁵ + Σ relu(x)), with the sum over the last axis.

    Schlag, Irie and Schmidhuber (2021), section 4.2, https://arxiv.org/abs/2102.11174.
    """
    x = x.relu()
    return x / (_EPSILON + x.sum(-1, keepdim=True))


def read_sum(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, start: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Add each step's product of key and value to the state, and multiply it by the query.

    Args:
        q: Queries [B, T, K].
        k: Keys [B, T, K].
        v: Values [B, T, V].
        state: State before the first step [B, K, V].
        start: Episode start mask [B, T] bool, or None. The values at the first step have no effect
            here; ``clear_at_first_step`` handles them.

    Returns:
        Outputs [B, T, V], and the state after the last step.
    """
    with torch.autocast(q.device.type, enabled=False):
        q, k, v = (x.to(state.dtype) for x in (q, k, v))
        if q.shape[1] == 1:
            state = torch.baddbmm(state, k.mT, v)
            return q @ state, state
        read, after = run_chunks(partial(_run_chunks, q, k, v, state), q, start)
        return read, after


def _run_chunks(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, chunks: Chunks, starts: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run all chunks; ``starts`` [B, n, C] marks episode starts within chunks."""
    q, k, v = (chunks.split(x) for x in (q, k, v))  # [B, n, C, ...]
    mask = state.new_ones(chunks.length, chunks.length).tril()
    q_first, k_last = q, k
    keep: tuple[Tensor, ...] = ()
    if starts is not None:
        episode = starts.cumsum(2, dtype=torch.int32)  # counted from 0 in each chunk
        mask = torch.where(episode.unsqueeze(3) == episode.unsqueeze(2), mask, 0)
        q_first = q * (episode == 0).unsqueeze(3)
        k_last = k * (episode == episode[:, :, -1:]).unsqueeze(3)
        keep = ((episode[:, :, -1:] == 0).to(state.dtype).unsqueeze(3),)
    before, after = chunks.carry_through(_add, state, k_last.mT @ v, *keep)  # [B, n, K, V]
    return chunks.join(q_first @ before + (q @ k.mT * mask) @ v), after


def _add(state: Tensor, added: Tensor, keep: Tensor | None = None) -> Tensor:
    return state + added if keep is None else torch.addcmul(added, keep, state)


def read_max(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, start: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Keep the elementwise maximum of the products of key and value; see :func:`read_sum`.

    The maximum cannot be computed chunk by chunk. All T states are in memory at the same time.
    """
    with torch.autocast(q.device.type, enabled=False):
        q, k, v = (x.to(state.dtype) for x in (q, k, v))
        states = _running_max(k.unsqueeze(3) * v.unsqueeze(2), state, start)  # [B, T, K, V]
        return (q.unsqueeze(2) @ states).squeeze(2), states[:, -1]


def _running_max(x: Tensor, state: Tensor, start: Tensor | None) -> Tensor:
    """Return the elementwise maximum of the state and of x [B, T, ...] up to each step."""
    resets = reset_steps(start) or []
    cuts = sorted({0, *(t for t, rows in enumerate(resets) if rows is not None)})
    pieces = []
    for begin, end in pairwise([*cuts, x.shape[1]]):
        if begin and start is not None:
            state = clear_rows(state, start[:, begin])
        piece = torch.cat([state.unsqueeze(1), x[:, begin:end]], 1).cummax(1).values[:, 1:]
        state = piece[:, -1]
        pieces.append(piece)
    return torch.cat(pieces, 1)


AGGREGATORS = {"sum": read_sum, "max": read_max}
"""Functions that aggregate the steps' products, by POPGym's names."""


def check_aggregator(name: str, value: str) -> str:
    """Return ``value`` if it is the name of an aggregator.

    Args:
        name: Name of the option, for the error message.
        value: Name of the aggregator.

    Raises:
        ValueError: If ``value`` is neither "sum" nor "max".
    """
    if value not in AGGREGATORS:
        raise ValueError(f'{name} must be "sum" or "max", got {value!r}')
    return value
