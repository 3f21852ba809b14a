"""Loops over time and ``torch.compile``."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def eager(loop: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Have ``torch.compile`` call a loop over time as it is.

    It would unroll the steps, at half a second of compilation each, for a graph of the same calls.
    """

    @wraps(loop)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if torch.compiler.is_compiling():
            # not as a decorator: its import takes seconds
            return torch.compiler.disable(loop)(*args, **kwargs)
        return loop(*args, **kwargs)

    return run
