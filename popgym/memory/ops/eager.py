"""A decorator that excludes loops over time from ``torch.compile``, and exports them unrolled."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch.utils._pytree import tree_map_only

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def eager(loop: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make ``torch.compile`` call a loop over time without compiling it.

    Compilation would unroll the loop and take about half a second for each step. The resulting
    graph would make the same calls.

    ``torch.export`` unrolls the loop, for inference only: no gradient flows through it.
    """

    @wraps(loop)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if is_exporting():
            # The loops write into their results, which autograd forbids where it records them.
            args, kwargs = tree_map_only(torch.Tensor, torch.Tensor.detach, (args, kwargs))
            return loop(*args, **kwargs)
        if torch.compiler.is_compiling():
            # only here and not as a decorator: torch.compiler.disable imports modules for seconds
            return torch.compiler.disable(loop)(*args, **kwargs)
        return loop(*args, **kwargs)

    return run


def is_exporting() -> bool:
    """Return whether ``torch.export`` is recording the operations."""
    return getattr(torch.compiler, "is_exporting", bool)()  # torch before 2.7 has no such function
