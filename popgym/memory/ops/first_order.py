"""A decorator that rejects second derivatives of functions with a hand-written gradient.

torch's ``once_differentiable`` does not detect every case. It misses an incoming gradient that is
constant, such as the gradient of a sum, and a call of ``torch.autograd.grad`` for tensors before
the function. In these cases the second derivative silently lacks a term. This decorator therefore
raises as soon as the backward pass runs with ``create_graph=True``.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import torch

Result = TypeVar("Result")


def first_order(backward: Callable[..., Result]) -> Callable[..., Result]:
    """Make ``backward`` of an ``autograd.Function`` raise under ``create_graph=True``.

    Returns:
        The wrapped function. It raises RuntimeError if a graph of the backward pass is requested.
    """

    @wraps(backward)
    def checked(*args: object) -> Result:
        # In a backward pass, torch enables gradients only for create_graph. A compiled backward
        # pass is traced with gradients enabled, and itself rejects a second derivative.
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                "this memory has no second derivatives, because its gradient is written by hand: "
                "differentiate it without create_graph=True, or use a memory whose gradient "
                "autograd computes, such as frameconv, tcn, mlstm or gtrxl"
            )
        return backward(*args)

    return checked
