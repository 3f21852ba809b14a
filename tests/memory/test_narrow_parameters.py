"""Memories converted whole to bfloat16, as ``module.to(torch.bfloat16)`` does."""

import copy

import pytest
import torch

from popgym.memory import MEMORIES, make_memory

B, T, F, D = 2, 37, 3, 16


@pytest.mark.parametrize("name", sorted(MEMORIES.keys() - {"s4d"}))
def test_a_memory_reads_and_learns_in_bfloat16(name):
    torch.manual_seed(0)
    wide = make_memory(name, F, D).eval()
    narrow = copy.deepcopy(wide).bfloat16()
    x, start = torch.randn(B, T, F), torch.rand(B, T) < 0.1
    expected, _ = wide(x, wide.initial_state(B), start)
    y, state = narrow(x.bfloat16(), narrow.initial_state(B), start)
    y_1, _ = narrow(x[:, :1].bfloat16(), narrow.initial_state(B))
    assert {y.dtype, y_1.dtype, *(field.dtype for field in state)} == {torch.bfloat16}
    scale = float(expected.detach().abs().max())
    torch.testing.assert_close(y.float() / scale, expected / scale, rtol=0, atol=0.1)
    torch.testing.assert_close(y_1.float() / scale, expected[:, :1] / scale, rtol=0, atol=0.1)
    y.float().sum().backward()
    gradients = [p.grad for p in narrow.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_s4d_refuses_a_type_without_complex_numbers_and_names_autocast():
    memory = make_memory("s4d", F, D).bfloat16()
    with pytest.raises(TypeError, match=r"complex numbers, .* torch\.bfloat16: .* torch\.autocast"):
        memory(torch.randn(B, T, F).bfloat16(), memory.initial_state(B))
