"""Whatever a rule reads changes its fingerprint; nothing else does, in no process."""

import os
import subprocess
import sys
import types

import pytest

from popgym.core.fingerprint import fingerprint

HEAD = """
import enum
import math
from typing import NamedTuple
import numba
import numpy as np
from popgym.core.rules import rule
"""

# What a rule reads, with {} where it is changed, and the two contents.
CHANGES = {
    "array": ("A = np.array([{}, 2])\n@rule\ndef f(): return A[0]", "1", "3"),
    "array's type": ("A = np.array([1, 2], {})\n@rule\ndef f(): return A[0]", "'i4'", "'i8'"),
    "array's shape": ("A = np.zeros({})\n@rule\ndef f(): return len(A)", "(2, 3)", "(3, 2)"),
    "records": (
        "A = np.array([(1, {})], [('x', 'i4'), ('y', 'f8')])\n@rule\ndef f(): return A[0].y",
        "2", "3",
    ),
    "numpy's number": ("A = np.{}(1)\n@rule\ndef f(): return A", "int32", "uint64"),
    "whole number": ("A = {}\n@rule\ndef f(): return A", "1", "2"),
    "type of a number": ("A = {}\n@rule\ndef f(): return A", "1", "1.0"),
    "truth": ("A = {}\n@rule\ndef f(): return A", "True", "1"),
    "sign of zero": ("A = {}\n@rule\ndef f(): return A", "0.0", "-0.0"),
    "complex number": ("A = {}\n@rule\ndef f(): return A", "1j", "2j"),
    "text": ("A = {}\n@rule\ndef f(): return A", "'a'", "'b'"),
    "bytes": ("A = {}\n@rule\ndef f(): return A", "b'a'", "b'b'"),
    "nothing": ("A = {}\n@rule\ndef f(): return A is None", "None", "0"),
    "nested tuple": ("A = (1, (2, {}))\n@rule\ndef f(): return A", "3", "4"),
    "array in a tuple": ("A = (1, np.array([{}]))\n@rule\ndef f(): return A", "3", "4"),
    "list": ("A = [1, {}]\n@rule\ndef f(): return A", "2", "3"),
    "dict": ("A = {{1: {}}}\n@rule\ndef f(): return A", "2", "3"),
    "set": ("A = frozenset(['a', {}])\n@rule\ndef f(): return A", "'b'", "'c'"),
    "type of numpy": ("A = np.dtype({})\n@rule\ndef f(): return A", "'f4'", "'f8'"),
    "class of numpy": ("A = np.{}\n@rule\ndef f(x): return A(x)", "int32", "int64"),
    "type of numba": ("A = numba.{}\n@rule\ndef f(x): return A(x)", "int32", "int64"),
    "module": ("import {} as m\n@rule\ndef f(x): return m.sqrt(x)", "math", "numpy"),
    "numpy's function": ("A = np.{}\n@rule\ndef f(x): return A(x)", "sum", "prod"),
    "ufunc": ("A = np.{}\n@rule\ndef f(x): return A(x)", "sin", "cos"),
    "function in C": ("A = math.{}\n@rule\ndef f(x): return A(x)", "sin", "cos"),
    "Enum": (
        "class E(enum.Enum):\n    A = {}\n@rule\ndef f(): return E.A.value", "1", "2",
    ),
    "member": ("class E(enum.IntEnum):\n    A = {}\nA = E.A\n@rule\ndef f(): return A", "1", "2"),
    "named tuple": (
        "class N(NamedTuple):\n    a: int\nA = N({})\n@rule\ndef f(): return A.a", "1", "2",
    ),
    "fields of a named tuple": (
        "class N(NamedTuple):\n    {}: int\n@rule\ndef f(): return N(1)", "a", "b",
    ),
    "code of a rule": ("@rule\ndef g(x): return x {} 1\n@rule\ndef f(x): return g(x)", "+", "-"),
    "constant of a rule called": (
        "A = np.array([{}])\n@rule\ndef g(x): return A[x]\n@rule\ndef f(x): return g(x)", "1", "2",
    ),
    "code of a function": ("def g(x): return x {} 1\n@rule\ndef f(x): return g(x)", "+", "-"),
    "constant of a function": (
        "A = {}\ndef h(x): return A\ndef g(x): return h(x)\n@rule\ndef f(x): return g(x)", "1", "2",
    ),
    "code of a numba function": (
        "@numba.njit\ndef g(x): return x {} 1\n@rule\ndef f(x): return g(x)", "+", "-",
    ),
    "constant of a numba function": (
        "A = {}\n@numba.njit\ndef g(x): return A\n@rule\ndef f(x): return g(x)", "1", "2",
    ),
    "option of a numba function": (
        "@numba.njit(fastmath={})\ndef g(x): return x\n@rule\ndef f(x): return g(x)",
        "True", "False",
    ),
    "numba's ufunc": (
        "@numba.vectorize\ndef g(x): return x {} 1\n@rule\ndef f(x): return g(x)", "+", "-",
    ),
    "default": ("@rule\ndef f(x={}): return x", "1", "2"),
    "default by name": ("@rule\ndef f(*, x={}): return x", "1", "2"),
    "closure": (
        "def make(a):\n    @rule\n    def f(): return a\n    return f\nf = make({})", "1", "2",
    ),
    "closure of a function": (
        "def make(a):\n    def g(): return a\n    return g\n"
        "g = make({})\n@rule\ndef f(): return g()",
        "(1, 2)", "(1, 3)",
    ),
    "comprehension": ("@rule\ndef f(x): return [y {} 1 for y in x]", "+", "-"),
    "global in a comprehension": (
        "A = {}\n@rule\ndef f(x): return [A for y in x]", "1", "2",
    ),
    "function within": (
        "@rule\ndef f(x):\n    def g(y): return y + {}\n    return g(x)", "1", "2",
    ),
    "handler": (
        "@rule\ndef f(x):\n    try:\n        x = 1 / x\n        {}\n    except Exception:\n"
        "        x = 0\n    return x", "x = x + 1", "x = x - 1",
    ),
    "slice": ("A = slice(1, {})\n@rule\ndef f(x): return x[A]", "2", "3"),
}  # fmt: skip


def rule_of(source, name="own"):
    module = types.ModuleType(name)
    exec(HEAD + source, vars(module))
    return module.f


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_what_a_rule_reads_changes_the_fingerprint(what):
    source, before, after = CHANGES[what]
    once, again, changed = (rule_of(source.format(it)) for it in (before, before, after))
    assert fingerprint([once]) == fingerprint([again]) != fingerprint([changed])


def test_the_attributes_of_a_module_are_read_and_no_others():
    settings, inner = types.ModuleType("settings"), types.ModuleType("settings.inner")
    settings.inner, settings.TABLE, inner.SPEED, settings.other = inner, (1, 2), 3, object()
    it = rule_of("@rule\ndef f(): return settings.TABLE[0] * settings.inner.SPEED")
    it.function.__globals__["settings"] = settings
    prints = [fingerprint([it])]
    settings.other = 5
    assert fingerprint([it]) == prints[0]
    settings.TABLE = (1, 3)
    prints.append(fingerprint([it]))
    inner.SPEED = 4
    prints.append(fingerprint([it]))
    assert len(set(prints)) == 3


def test_names_that_a_rule_does_not_read_do_not_matter():
    source = "walls = object()\n@rule\ndef f(s, p): return s.walls"
    assert fingerprint([rule_of(source)]) == fingerprint([rule_of(source.replace("object()", "1"))])


def test_lines_and_files_do_not_matter():
    one, other = (rule_of(lines + "@rule\ndef f(x): return x + 1") for lines in ("", "\n\n\n"))
    assert fingerprint([one]) == fingerprint([other])


def test_the_layout_and_the_order_of_the_rules_matter():
    f, g = rule_of("@rule\ndef f(x): return x"), rule_of("@rule\ndef f(x): return -x")
    prints = {fingerprint(*each) for each in (([f, g],), ([g, f],), ([f, g], "i8"), ([f],))}
    assert len(prints) == 4 and all(len(each) == 12 for each in prints)


def test_functions_that_call_each_other_end():
    source = "def g(x): return h(x)\ndef h(x): return g(x) {} 1\n@rule\ndef f(x): return g(x)"
    assert fingerprint([rule_of(source.format("+"))]) != fingerprint([rule_of(source.format("-"))])


def test_it_is_the_same_in_every_process(tmp_path):
    sources = [source.format(before) for source, before, _ in CHANGES.values()]
    (tmp_path / "prints.py").write_text(
        "import tests.core.test_fingerprint as t\n"
        "for source, before, _ in t.CHANGES.values():\n"
        "    print(t.fingerprint([t.rule_of(source.format(before))]))\n"
    )
    expected = [fingerprint([rule_of(source)]) for source in sources]
    for seed in ("1", "2"):
        shown = subprocess.run(
            [sys.executable, tmp_path / "prints.py"], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout  # fmt: skip
        assert shown.split() == expected


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("A = object()", "builtins.object"),
        ("A = np.array([None])", "numpy.ndarray"),
        ("A = (1, [object()])", "builtins.object"),
        ("class C:\n    SIZE = 3\nA = C", "builtins.type"),
        ("A = types.SimpleNamespace(size=3)", "types.SimpleNamespace"),
        ("A = functools.partial(max, 1)", "functools.partial"),
        ("A = {}.get", "builtins.builtin_function_or_method"),
        ("A = types.ModuleType('settings')", "module"),
    ],
)
def test_what_could_change_unnoticed_is_refused(source, kind):
    it = rule_of(f"import functools, types\n{source}\n@rule\ndef f(): return A", "worlds")
    with pytest.raises(TypeError, match=rf"^worlds\.f reads .*A, which is an? {kind}: .*Family"):
        fingerprint([it])


def test_a_callees_value_is_refused_in_its_name():
    it = rule_of("A = object()\ndef g(): return A\n@rule\ndef f(): return g()", "worlds")
    with pytest.raises(TypeError, match=r"^worlds\.g reads A, "):
        fingerprint([it])
