"""Rules: plain Python functions of one environment's record, which can be compiled.

A rule reads and writes the fields of a record ``s`` (one environment), reads the fields of ``p``
(the task's parameters), and may call other rules. Python can run it without compilation, which is
slow but allows a debugger. ``link`` compiles it together with all rules that it calls.
"""

import functools
import types
from collections.abc import Callable
from typing import Any

from popgym.core.bytecode import nested_code

Record = Any  # the argument of a rule: a numpy record with its fields as attributes


class Rule:
    """A function of one environment that can be compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Call the function without compilation."""
        return self.function(*args)


def rule(function: Callable[..., Any]) -> Rule:
    """Mark a function as a rule (a decorator)."""
    return Rule(function)


def named_globals(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the global names that a function uses and their values, such as other rules."""
    scope = function.__globals__
    names = [name for code in nested_code(function.__code__) for name in code.co_names]
    return {name: scope[name] for name in names if name in scope}


def link(
    a_rule: Rule, compiler: Callable[..., Any], done: dict[Rule, Any] | None = None
) -> Callable[..., Any]:
    """Compile a rule and all rules that it calls.

    Args:
        a_rule: The rule.
        compiler: A function that compiles a plain function, for example ``numba.njit``.
        done: Rules that are compiled already, or replaced by another function, for example by
            recorded random numbers. The newly compiled rules are added to it.

    Returns:
        The result of ``compiler`` for the rule.
    """
    done = {} if done is None else done
    if a_rule not in done:
        function = a_rule.function

        def linked(value: Any) -> Any:
            return link(value, compiler, done) if isinstance(value, Rule) else value

        scope = {name: linked(value) for name, value in named_globals(function).items()}
        cells = [types.CellType(linked(c.cell_contents)) for c in function.__closure__ or ()]
        done[a_rule] = compiler(rebind(function, scope, tuple(cells)))
    return done[a_rule]


def rebind(
    function: Callable[..., Any],
    scope: dict[str, Any],
    closure: tuple[types.CellType, ...] = (),
) -> types.FunctionType:
    """Return a copy of a function whose global names are looked up in ``scope``.

    Args:
        function: The function.
        scope: The values of its global names.
        closure: The values of its names that belong to an enclosing function.
    """
    scope = {"__builtins__": __builtins__, **scope}
    clone = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, closure
    )
    clone.__kwdefaults__ = function.__kwdefaults__
    clone.__module__, clone.__qualname__ = function.__module__, function.__qualname__
    return clone
