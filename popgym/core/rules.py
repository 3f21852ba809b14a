"""Rules: plain Python functions of one environment's record, compiled when needed.

A rule reads and writes the fields of a record `s` (one environment) and reads those of
`p` (the task's parameters), and may call other rules. It runs as it stands, slowly and
under a debugger; `link` compiles it together with every rule that it calls.
"""

import functools
import hashlib
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

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
    names, scope = function.__code__.co_names, function.__globals__
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
        scope = {
            name: link(value, compiler, done) if isinstance(value, Rule) else value
            for name, value in named_globals(function).items()
        }
        done[a_rule] = compiler(rebind(function, scope))
    return done[a_rule]


def rebind(function: Callable[..., Any], scope: dict[str, Any]) -> types.FunctionType:
    """A copy of a function that finds its global names in `scope`."""
    scope = {"__builtins__": __builtins__, **scope}
    clone = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    clone.__module__, clone.__qualname__ = function.__module__, function.__qualname__
    return clone


def fingerprint(rules: Iterable[Rule], layout: str = "") -> str:
    """A short name that changes whenever the layout, or the code or a constant of a rule does."""
    seen: set[Rule] = set()
    todo, digest = list(rules), hashlib.sha256(layout.encode())
    while todo:
        a_rule = todo.pop(0)
        if a_rule in seen:
            continue
        seen.add(a_rule)
        code, named = a_rule.function.__code__, named_globals(a_rule.function)
        constants = {
            n: v for n, v in named.items() if isinstance(v, (int, float, tuple, np.number))
        }
        digest.update(code.co_code)
        digest.update(repr((code.co_names, code.co_consts, sorted(constants.items()))).encode())
        todo += [value for _, value in sorted(named.items()) if isinstance(value, Rule)]
    return digest.hexdigest()[:12]
