"""A decorator that excludes loops over time from ``torch.compile``."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def eager(loop: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make ``torch.compile`` call a loop over time without compiling it.

    Compilation would unroll the loop and take about half a second for each step. The resulting
    graph would make the same calls.
    """

    @wraps(loop)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if torch.compiler.is_compiling():
            # only here and not as a decorator: torch.compiler.disable imports modules for seconds
            return torch.compiler.disable(loop)(*args, **kwargs)
        return loop(*args, **kwargs)

    return run
