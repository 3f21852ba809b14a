"""Refusing a second derivative where the first is written out by hand.

torch's ``once_differentiable`` tells only some callers: where the incoming gradient is a constant,
as that of a sum is, or where ``torch.autograd.grad`` is asked for tensors that lie before the
function, the second derivative silently lacks a term. So the first is refused whoever builds a
graph of it.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import torch

Result = TypeVar("Result")


def first_order(backward: Callable[..., Result]) -> Callable[..., Result]:
    """Let ``backward`` of an ``autograd.Function`` run only where its graph is not asked for.

    Raises:
        RuntimeError: by the function returned, under ``create_graph=True``.
    """

    @wraps(backward)
    def checked(*args: object) -> Result:
        # torch enables gradients in a backward pass for create_graph, and for nothing else; a
        # compiled one is traced with them on, and refuses a second pass itself
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                "this memory has no second derivatives, as its gradient is written out by hand: "
                "differentiate it without create_graph=True, or take one whose gradient autograd "
                "computes, such as frameconv, tcn, mlstm or gtrxl"
            )
        return backward(*args)

    return checked
