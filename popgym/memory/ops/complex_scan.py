"""The diagonal recurrence of complex numbers, as pairs of real ones.

    hₜ = λ ⊙ hₜ₋₁ + bₜ,  λ = ρ exp(iφ),  where hₜ₋₁ = 0 if step t begins an episode

Parameters, inputs and states of a memory are real, so that every dtype, optimiser and autocast
knows them. A pair lies side by side, [..., 2N] = re, im, re, im, …: torch then reads complex
numbers in place, at the cost of a real recurrence of as many numbers. With the real and the
imaginary parts apart, it would take twice as long. A linear layer from such pairs computes Re(C h),
if its weights are Re C, −Im C, ….
"""

from typing import NamedTuple

import torch
from torch import Tensor

from popgym.memory.ops.scan import diagonal_scan


class Pairs(NamedTuple):
    """Complex states."""

    real: Tensor  # [B, N]
    imag: Tensor  # [B, N]


def complex_scan(
    modulus: Tensor, phase: Tensor, b: Tensor, state: tuple[Tensor, Tensor], start: Tensor | None
) -> tuple[Tensor, Pairs]:
    """Return the states after each step of hₜ = λ ⊙ hₜ₋₁ + bₜ.

    Args:
        modulus: ρ [N].
        phase: φ [N].
        b: pairs [B, T, 2N], in any precision.
        state: real and imaginary parts before the first step, both [B, N].
        start: [B, T] bool or None; the state is 0 before a step at which it is set.

    Returns:
        Pairs [B, T, 2N], in the precision of the state, and the state after the last step.
    """
    real, imag = state
    # torch has no complex numbers of fewer bits
    wide = torch.promote_types(real.dtype, torch.float32)
    decay = torch.polar(modulus.to(wide), phase.to(wide))
    inputs = torch.view_as_complex(b.to(wide).unflatten(2, (-1, 2)).contiguous())
    if torch.compiler.is_compiling():
        # the loop is not compiled, and torch cannot hand it complex numbers that are a view
        inputs = inputs.clone()
    h = diagonal_scan(decay, inputs, torch.complex(real.to(wide), imag.to(wide)), start)
    last = h[:, -1]
    pairs = torch.view_as_real(h).flatten(2).to(real.dtype)
    return pairs, Pairs(*(part.to(real.dtype).contiguous() for part in (last.real, last.imag)))
