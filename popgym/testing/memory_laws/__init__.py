"""The laws that every memory obeys, one function each.

A test suite of one's own::

    import pytest
    from popgym.testing import LAWS


    @pytest.mark.parametrize("law", LAWS)
    def test_my_memory_obeys(law):
        LAWS[law](lambda: MyMemory(input_size=6, hidden_size=16))
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

import torch

from popgym.testing.laws import LawBroken
from popgym.testing.memory_laws import as_module, in_time
from popgym.testing.memory_laws.trial import MakeMemory

__all__ = ["LAWS", "LawBroken", "check_memory"]

Law = Callable[[MakeMemory], None]

_SEED = 20230212


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: on a busy machine, threads on tiny tensors wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _reproducible(law: Law) -> Law:
    """Draw the same numbers at every call, leave the caller's alone, and name the law."""

    @wraps(law)
    def checked(make: MakeMemory) -> None:
        if isinstance(make, torch.nn.Module) or not callable(make):
            raise TypeError(
                "a check takes a function that builds the memory, such as lambda: MyMemory(6, 16), "
                f"got a {type(make).__name__}"
            )
        with torch.random.fork_rng(devices=[]), _one_thread():
            torch.manual_seed(_SEED)
            try:
                law(make)
            except LawBroken:
                raise
            except Exception as error:
                message = f"raised {type(error).__name__}: {error}"
                raise LawBroken(law.__name__, message) from error

    return checked


LAWS: dict[str, Law] = {
    law.__name__: _reproducible(law)
    for law in (
        as_module.interface,
        in_time.chunks,
        in_time.chunk_gradients,
        in_time.resets,
        in_time.non_finite,
        in_time.causal,
        in_time.receptive_field,
        in_time.padding,
        in_time.long_runs,
        as_module.single_precision,
        as_module.rows,
        as_module.arguments,
        as_module.parameters,
        as_module.instances,
        as_module.updates,
        as_module.copies,
    )
}
"""Each law by name; a law takes a function that builds the memory, and raises ``LawBroken``."""


def check_memory(make: MakeMemory) -> None:
    """Check that a memory obeys every law.

    Args:
        make: builds a new memory of the same sizes at each call, for example
            ``lambda: MyMemory(input_size=6, hidden_size=16)``. Small sizes suffice.

    Raises:
        LawBroken: the first law that is broken, with what was seen; an ``AssertionError``.
        TypeError: ``make`` is a memory, or something else that is no function.
    """
    for law in LAWS.values():
        law(make)
