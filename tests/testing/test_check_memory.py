"""The checker itself: a lawful memory passes, and each law has a specimen that breaks it."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from popgym.memory import Memory
from popgym.testing import LAWS, LawBroken, check_memory


class LeakyState(NamedTuple):
    trace: Tensor  # [B, D]


class Leaky(Memory):
    """The lawful memory that every specimen alters in one place: h_t = .9 h_tm1 + W x_t."""

    decay = 0.9

    def __init__(self, input_size=3, hidden_size=5):
        super().__init__(input_size, hidden_size)
        self.inward = nn.Linear(input_size, hidden_size)
        self.outward = nn.Linear(hidden_size, hidden_size)

    def initial_state(self, batch_size):
        return LeakyState(self.inward.weight.new_zeros(batch_size, self.output_size))

    def clear(self, h_tm1, start_t):
        return h_tm1.masked_fill(start_t, 0)

    def forward(self, x, state, start=None):
        h_t, outputs = state.trace, []
        for t, u_t in enumerate(self.inward(x).unbind(1)):
            h_tm1 = h_t if start is None else self.clear(h_t, start[:, t, None])
            h_t = self.decay * h_tm1 + u_t
            outputs.append(h_t)
        return self.outward(torch.stack(outputs, 1)), LeakyState(h_t)


class TransposedOutput(Leaky):
    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y.mT, state


class StateIsAList(Leaky):
    def initial_state(self, batch_size):
        return list(super().initial_state(batch_size))


class StateStartsAtOne(Leaky):
    def initial_state(self, batch_size):
        return LeakyState(super().initial_state(batch_size).trace + 1)


class StateStaysSingle(Leaky):
    def initial_state(self, batch_size):
        return LeakyState(torch.zeros(batch_size, self.output_size))


class StateGrowsAnAxis(Leaky):
    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y, LeakyState(state.trace[:, None])


class ForgetsTheState(Leaky):
    def forward(self, x, state, start=None):
        if x.shape[1] > 1:
            state = self.initial_state(len(x))
        return super().forward(x, state, start)


class DetachesTheState(Leaky):
    def forward(self, x, state, start=None):
        return super().forward(x, LeakyState(state.trace.detach()), start)


class ResetsHalfway(Leaky):
    def clear(self, h_tm1, start_t):
        return torch.where(start_t, h_tm1 / 2, h_tm1)


class ResetsOnlyTheValue(Leaky):
    def clear(self, h_tm1, start_t):
        return torch.where(start_t, h_tm1 - h_tm1.detach(), h_tm1)


class ResetsByAProduct(Leaky):
    def clear(self, h_tm1, start_t):
        return h_tm1 * ~start_t


class LooksAhead(Leaky):
    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return torch.cat([y[:, :1] + 1e-3 * y[:, -1:], y[:, 1:]], 1), state


class ClaimsAShortReceptiveField(Leaky):
    receptive_field = 3


class CountsThePadding(Leaky):
    """Decays once more at the end of a call."""

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y, LeakyState(self.decay * state.trace)


class Explodes(Leaky):
    decay = 1.05


class RoundsToHalf(Leaky):
    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return (y.half().float() if y.dtype == torch.float32 else y), state


class MixesRows(Leaky):
    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y - 1e-3 * y.mean(0), state


class WritesIntoTheState(Leaky):
    def forward(self, x, state, start=None):
        y, after = super().forward(x, state, start)
        with torch.no_grad():
            state.trace.copy_(after.trace)
        return y, after


class LastInputState(NamedTuple):
    frame: Tensor  # [B, F]


class ReturnsAViewOfItsInput(Memory):
    receptive_field = 2

    def __init__(self):
        super().__init__(3, 3)
        self.scale = nn.Parameter(torch.ones(3))

    def initial_state(self, batch_size):
        return LastInputState(self.scale.new_zeros(batch_size, 3))

    def forward(self, x, state, start=None):
        before = torch.cat([state.frame[:, None], x[:, :-1]], 1)
        if start is not None:
            before = before.masked_fill(start[:, :, None], 0)
        return x + self.scale * before, LastInputState(x[:, -1])


class HasADeadParameter(Leaky):
    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(2))


SHARED = nn.Linear(3, 5)


class SharesALayer(Leaky):
    def __init__(self):
        super().__init__()
        self.inward = SHARED


class CountsInItsClass(Leaky):
    calls = 0

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        y = y * (1 + 1e-3 * CountsInItsClass.calls)
        CountsInItsClass.calls += 1
        return y, state


class PreparesItsStepOnce(Leaky):
    """Acts with the weights of its first step, as the original S4D did."""

    def forward(self, x, state, start=None):
        if x.shape[1] > 1:
            return super().forward(x, state, start)
        if not hasattr(self, "prepared"):
            self.prepared = [parameter.clone() for parameter in self.inward.parameters()]
        weight, bias = self.prepared
        h_tm1 = state.trace if start is None else self.clear(state.trace, start)
        h_t = self.decay * h_tm1 + x[:, 0] @ weight.mT + bias
        return self.outward(h_t)[:, None], LeakyState(h_t)


class HidesAWeight(Leaky):
    def __init__(self):
        super().__init__()
        self.hidden = [torch.randn(1).item()]

    def forward(self, x, state, start=None):
        y, state = super().forward(x, state, start)
        return y + self.hidden[0], state


class HoldsALambda(Leaky):
    def __init__(self):
        super().__init__()
        self.activation = lambda y: y


SPECIMENS = [
    ("interface", TransposedOutput),
    ("interface", StateIsAList),
    ("interface", StateStartsAtOne),
    ("interface", StateStaysSingle),
    ("interface", StateGrowsAnAxis),
    ("chunks", ForgetsTheState),
    ("chunk_gradients", DetachesTheState),
    ("resets", ResetsHalfway),
    ("resets", ResetsOnlyTheValue),
    ("non_finite", ResetsByAProduct),
    ("causal", LooksAhead),
    ("receptive_field", ClaimsAShortReceptiveField),
    ("padding", CountsThePadding),
    ("long_runs", Explodes),
    ("single_precision", RoundsToHalf),
    ("rows", MixesRows),
    ("arguments", WritesIntoTheState),
    ("arguments", ReturnsAViewOfItsInput),
    ("parameters", HasADeadParameter),
    ("instances", SharesALayer),
    ("instances", CountsInItsClass),
    ("updates", PreparesItsStepOnce),
    ("copies", HidesAWeight),
    ("copies", HoldsALambda),
]

# each breaks its own law and no other, so the law is needed
BREAK_ONE_LAW_ONLY = [
    DetachesTheState,
    ResetsByAProduct,
    ClaimsAShortReceptiveField,
    Explodes,
    RoundsToHalf,
    ReturnsAViewOfItsInput,
    HasADeadParameter,
    SharesALayer,
    HoldsALambda,
]


def _broken_laws(make):
    broken = {}
    for name, law in LAWS.items():
        try:
            law(make)
        except LawBroken as error:
            broken[name] = error
    return broken


def test_a_lawful_memory_passes():
    check_memory(Leaky)


@pytest.mark.parametrize("law, specimen", SPECIMENS)
def test_a_specimen_breaks_its_law(law, specimen):
    with pytest.raises(LawBroken, match=f"^{law}: ") as caught:
        LAWS[law](specimen)
    assert caught.value.law == law


@pytest.mark.parametrize("specimen", [specimen for _, specimen in SPECIMENS])
def test_check_memory_refuses_every_specimen(specimen):
    with pytest.raises(AssertionError):
        check_memory(specimen)


@pytest.mark.parametrize("specimen", BREAK_ONE_LAW_ONLY)
def test_some_specimens_break_no_other_law(specimen):
    (meant,) = (law for law, other in SPECIMENS if other is specimen)
    assert list(_broken_laws(specimen)) == [meant]


def test_every_law_has_a_specimen():
    assert {law for law, _ in SPECIMENS} == set(LAWS)


@pytest.mark.parametrize(
    "specimen, message",
    [
        (TransposedOutput, r"y must be \[B, T, D\] = \[4, 45, 5\], got \[4, 5, 45\]"),
        (StateIsAList, "initial_state must return a NamedTuple of tensors, got a list"),
        (
            StateGrowsAnAxis,
            r"state.trace must keep shape \[4, 5\] and torch.float32, got \[4, 1, 5\]",
        ),
        (lambda: nn.Linear(3, 5), r"make\(\) must return a Memory, got a Linear"),
        (StateStaysSingle, "state.trace must be torch.float64 .*, got torch.float32: make it with"),
        (HasADeadParameter, "get no gradient: unused"),
    ],
)
def test_the_message_says_what_was_seen(specimen, message):
    with pytest.raises(LawBroken, match=message):
        check_memory(specimen)


def test_an_error_inside_a_memory_names_the_law_and_the_error():
    class Crashes(Leaky):
        def forward(self, x, state, start=None):
            raise KeyError("trace")

    with pytest.raises(LawBroken, match="interface: raised KeyError: 'trace'") as caught:
        check_memory(Crashes)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("make", [Leaky(), "leaky", None])
def test_what_builds_no_memory_is_refused(make):
    with pytest.raises(TypeError, match=f"a function that builds .*, got a {type(make).__name__}"):
        check_memory(make)


def test_checking_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check_memory(Leaky)
    assert torch.equal(torch.rand(3), expected)
