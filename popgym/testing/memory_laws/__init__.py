"""The laws that every memory obeys, one function each.

Here belong the laws about time, the laws about the module, and the inputs and comparisons that they
share. They may import ``popgym.memory`` and ``popgym.testing.laws``.

A test suite for your own memory::

    import pytest
    from popgym.testing import LAWS


    @pytest.mark.parametrize("law", LAWS)
    def test_my_memory_obeys(law):
        LAWS[law](lambda: MyMemory(input_size=6, hidden_size=16))
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature

import torch

from popgym.testing.laws import LawBroken
from popgym.testing.memory_laws import as_module, in_time
from popgym.testing.memory_laws.trial import MakeMemory

__all__ = ["LAWS", "LawBroken", "check_memory"]

Law = Callable[[MakeMemory], None]

_SEED = 20230212


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread; on a busy machine, several threads are slower for tiny tensors."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _needs_arguments(make: MakeMemory) -> bool:
    try:
        signature(make).bind()
    except TypeError:
        return True
    except ValueError:  # it has no signature
        return False
    return False


def _reproducible(law: Law) -> Law:
    """Return the law with a fixed random seed, whose errors are ``LawBroken``.

    The caller's random state stays as it is.
    """

    @wraps(law)
    def checked(make: MakeMemory) -> None:
        if isinstance(make, torch.nn.Module) or not callable(make) or _needs_arguments(make):
            is_class = isinstance(make, type)
            got = f"the class {make.__name__}" if is_class else f"a {type(make).__name__}"
            raise TypeError(
                "a check takes a function that builds the memory, such as lambda: MyMemory(6, 16), "
                f"got {got}"
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
"""The laws by name. A law takes a function that builds the memory and raises ``LawBroken``."""


def check_memory(make: MakeMemory) -> None:
    """Check that a memory obeys every law.

    Args:
        make: Function that builds a new memory of the same sizes at each call, for example
            ``lambda: MyMemory(input_size=6, hidden_size=16)``. Small sizes are enough.

    Raises:
        LawBroken: If a law is broken: the first one, with what was observed. It is an
            ``AssertionError``.
        TypeError: If ``make`` is a memory or anything else that is not a function.
    """
    for law in LAWS.values():
        law(make)
