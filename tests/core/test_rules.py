from types import SimpleNamespace

import numba

from popgym.core.rules import link, rule

TIMES = 3


@rule
def scale(x):
    return TIMES * x


@rule
def scale_and_add(s, x):
    return scale(x) + s.offset


def test_a_rule_runs_as_it_stands():
    assert scale_and_add(SimpleNamespace(offset=1), 2) == 7


def test_linking_compiles_each_rule_once_and_callees_first():
    compiled = []

    def compiler(function):
        compiled.append(function.__name__)
        return function

    linked = link(scale_and_add, compiler)
    assert linked(SimpleNamespace(offset=1), 2) == 7
    assert compiled == ["scale", "scale_and_add"]


def test_a_callee_can_be_replaced():
    linked = link(scale_and_add, lambda f: f, {scale: lambda x: -x})
    assert linked(SimpleNamespace(offset=1), 2) == -1


def made_around(offset):
    @rule
    def scaled(x, one=1):
        return scale(x) + times(offset) + one

    times = rule(lambda x: 10 * x)
    return scaled


def test_a_rule_may_use_names_of_the_function_around_it_and_defaults():
    linked = link(made_around(2), lambda f: f)
    assert linked(1) == 3 + 20 + 1 and made_around(5)(1) == 3 + 50 + 1
    assert link(made_around(2), numba.njit)(1) == 24


@rule
def in_a_comprehension(xs):
    return [scale(x) for x in xs]


def test_a_rule_called_in_a_comprehension_is_linked():
    linked = link(in_a_comprehension, lambda f: f, {scale: lambda x: -x})
    assert linked([1, 2]) == [-1, -2]
