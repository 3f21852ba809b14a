"""The diagonal recurrence of complex numbers, stored as pairs of real numbers.

    hₜ = λ ⊙ hₜ₋₁ + bₜ,  λ = ρ exp(iφ),  where hₜ₋₁ = 0 if step t begins an episode

Parameters, inputs and states of a memory are real, so that every dtype, every optimiser and
autocast support them. The two numbers of a pair are adjacent: [..., 2N] = re, im, re, im, …. torch
can view this layout as complex numbers without a copy, and the recurrence then costs as much as a
real one over the same amount of data. With separate real and imaginary parts it would take twice as
long. A linear layer applied to such pairs computes Re(C h) if its weights are Re C, −Im C, ….
"""

from typing import NamedTuple

import torch
from torch import Tensor

from popgym.memory.ops.scan import diagonal_scan


class Pairs(NamedTuple):
    """A complex state as real and imaginary parts."""

    real: Tensor  # [B, N]
    imag: Tensor  # [B, N]


def complex_scan(
    modulus: Tensor, phase: Tensor, b: Tensor, state: tuple[Tensor, Tensor], start: Tensor | None
) -> tuple[Tensor, Pairs]:
    """Return the states after each step of hₜ = λ ⊙ hₜ₋₁ + bₜ.

    Args:
        modulus: Modulus ρ [N].
        phase: Phase φ [N].
        b: Inputs as pairs [B, T, 2N], in any precision.
        state: Real and imaginary parts of the state before the first step, both [B, N].
        start: Episode start mask [B, T] bool, or None. The state is cleared before a marked step.

    Returns:
        States as pairs [B, T, 2N], in the precision of ``state``, and the state after the last
        step.
    """
    real, imag = state
    # float32 at least: complex arithmetic needs float32 or float64 parts
    wide = torch.promote_types(real.dtype, torch.float32)
    decay = torch.polar(modulus.to(wide), phase.to(wide))
    inputs = torch.view_as_complex(b.to(wide).unflatten(2, (-1, 2)).contiguous())
    if torch.compiler.is_compiling():
        # the loop is not compiled, and torch cannot pass it a complex view of a real tensor
        inputs = inputs.clone()
    h = diagonal_scan(decay, inputs, torch.complex(real.to(wide), imag.to(wide)), start)
    last = h[:, -1]
    pairs = torch.view_as_real(h).flatten(2).to(real.dtype)
    return pairs, Pairs(*(part.to(real.dtype).contiguous() for part in (last.real, last.imag)))
