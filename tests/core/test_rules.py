from types import SimpleNamespace

import pytest

from popgym.core.rules import fingerprint, link, rule

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


def test_the_fingerprint_is_the_same_for_the_same_rules():
    assert fingerprint([scale_and_add]) == fingerprint([scale_and_add])
    assert len(fingerprint([scale])) == 12


@pytest.mark.parametrize("name, value", [("TIMES", 4), ("scale", rule(lambda x: x))])
def test_the_fingerprint_changes_with_a_constant_and_with_a_called_rule(monkeypatch, name, value):
    before = fingerprint([scale_and_add])
    monkeypatch.setitem(globals(), name, value)
    assert fingerprint([scale_and_add]) != before
