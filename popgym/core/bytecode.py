"""What compiled Python reads from outside of its function."""

import dis
import functools
import types
from collections.abc import Iterator

READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
BETWEEN = ("EXTENDED_ARG", "PUSH_NULL", "CACHE")
"""What may stand between a name and an attribute that is read of it."""


def nested_code(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function, and of the functions and comprehensions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested_code(constant)


@functools.cache
def paths_read(code: types.CodeType) -> list[tuple[str, ...]]:
    """What code reads from outside: global and closure names, each with attributes read of it.

    For `np.pi * CONFIG.speed + LIMIT` these are ("np", "pi"), ("CONFIG", "speed"), ("LIMIT",).
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
