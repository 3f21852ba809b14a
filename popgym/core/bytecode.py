"""The names that a function's bytecode reads from outside the function."""

import dis
import functools
import types
from collections.abc import Iterator

READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
BETWEEN = ("EXTENDED_ARG", "PUSH_NULL", "CACHE")
"""Instructions that may occur between reading a name and reading its attribute."""


def nested_code(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield the code of a function and of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested_code(constant)


@functools.cache
def paths_read(code: types.CodeType) -> list[tuple[str, ...]]:
    """Return the global and closure names that code reads, each with the attributes it reads.

    For ``np.pi * CONFIG.speed + LIMIT`` these are ("np", "pi"), ("CONFIG", "speed"), ("LIMIT",).
    """
    paths: set[tuple[str, ...]] = set()
    for each in nested_code(code):
        path: tuple[str, ...] = ()
        for step in dis.get_instructions(each):
            if step.opname in READS:
                paths.add(path)
                path = (step.argval,)
            elif step.opname in ATTRIBUTES and path:
                path += (step.argval,)
            elif step.opname not in BETWEEN:
                paths.add(path)
                path = ()
        paths.add(path)
    return sorted(paths - {()})
