"""Rules: plain Python functions of one environment's record, compiled when needed.

A rule reads and writes the fields of a record `s` (one environment) and reads those of
`p` (the task's parameters), and may call other rules. It runs as it stands, slowly and
under a debugger; `link` compiles it together with every rule that it calls.
"""

import functools
import types
from collections.abc import Callable
from typing import Any

from popgym.core.bytecode import nested_code

Record = Any  # what rules are given: a numpy record, its fields as attributes


class Rule:
    """A function that can be compiled to act on one environment."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Runs the function as it stands."""
        return self.function(*args)


def rule(function: Callable[..., Any]) -> Rule:
    """Marks a function as a rule."""
    return Rule(function)


def named_globals(function: Callable[..., Any]) -> dict[str, Any]:
    """The module-level names that a function uses: constants, modules and other rules."""
    scope = function.__globals__
    names = [name for code in nested_code(function.__code__) for name in code.co_names]
    return {name: scope[name] for name in names if name in scope}


def link(
    a_rule: Rule, compiler: Callable[..., Any], done: dict[Rule, Any] | None = None
) -> Callable[..., Any]:
    """Compiles a rule and, first, every rule that it calls.

    Args:
        a_rule: The rule.
        compiler: Turns a plain function into a compiled one, for example `numba.njit`.
        done: Rules compiled before (or replaced, for example by taped dice), extended here.

    Returns:
        What `compiler` made of the rule.
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
    """A copy of a function that finds its global names in `scope`.

    Args:
        function: The function.
        scope: The values of its global names.
        closure: The values of the names that it takes from a function around it.
    """
    scope = {"__builtins__": __builtins__, **scope}
    clone = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, closure
    )
    clone.__kwdefaults__ = function.__kwdefaults__
    clone.__module__, clone.__qualname__ = function.__module__, function.__qualname__
    return clone
