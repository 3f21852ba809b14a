import pytest
import torch

from popgym.memory import TCN, TCNState

T, F, D = 11, 4, 5


def naive(memory):
    """The blocks' formulas, one row, one step, one convolution and one tap at a time."""
    W = memory.window

    def convolve(conv, past, d):
        """past: every input of the episode so far, or zeros before it, oldest first."""
        y = conv.bias
        for k in range(W):
            v = conv.direction
            weight = (
                conv.norm.view(D, 1) * v[:, :, W - 1 - k] / v.square().sum((1, 2)).sqrt()[:, None]
            )
            y = y + weight @ past[-1 - k * d]
        return y.clamp(min=0)

    def read(x, state, start):
        convs = [conv for block in memory.blocks for conv in block.convs]
        spans = [(W - 1) * 2 ** (index // 2) for index in range(len(convs))]
        sizes = [conv.direction.shape[1] for conv in convs]
        rows, kept = [], []
        for b in range(len(x)):
            pieces = state.frames[b].split([s * f for s, f in zip(spans, sizes, strict=True)])
            pasts = [list(p.view(s, f)) for p, s, f in zip(pieces, spans, sizes, strict=True)]
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    pasts = [[x.new_zeros(f)] * s for s, f in zip(spans, sizes, strict=True)]
                y = x[b, t]
                for level, block in enumerate(memory.blocks):
                    h = y
                    for index in (2 * level, 2 * level + 1):
                        pasts[index].append(h)
                        h = convolve(convs[index], pasts[index], 2**level)
                    if y.shape != h.shape:
                        y = block.around.weight @ y + block.around.bias
                    y = (h + y).clamp(min=0)
                outputs.append(y)
            rows.append(torch.stack(outputs))
            last = [past[len(past) - s :] for past, s in zip(pasts, spans, strict=True)]
            kept.append(torch.cat([frame for past in last for frame in past] or [x.new_zeros(0)]))
        return torch.stack(rows), TCNState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("window, num_levels", [(1, 2), (2, 1), (2, 3), (3, 2), (4, 3)])
def test_it_equals_the_formula(assert_equals_reference, window, num_levels, starts):
    torch.manual_seed(1)
    memory = TCN(F, D, window, num_levels)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
def test_inputs_of_the_size_of_the_outputs_go_around_unchanged(assert_equals_reference, starts):
    torch.manual_seed(2)
    memory = TCN(D, D, num_levels=2)
    assert not any(name.endswith("around.weight") for name, _ in memory.named_parameters())
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("window, num_levels, steps", [(2, 6, 126), (3, 4, 60), (1, 3, 0)])
def test_it_sees_as_far_as_it_says_and_no_further(window, num_levels, steps):
    torch.manual_seed(3)
    memory = TCN(2, 8, window, num_levels).double()
    assert memory.receptive_field == 1 + steps
    x = torch.randn(1, steps + 2, 2, dtype=torch.float64, requires_grad=True)
    y, _ = memory(x, memory.initial_state(1))
    (gradient,) = torch.autograd.grad(y[:, -1].sum(), [x])
    assert not gradient[:, 0].any()
    assert gradient[:, 1].any()


def test_weights_have_unit_norm_at_first_and_are_those_of_plain_convolutions():
    torch.manual_seed(4)
    memory = TCN(F, D, window=2, num_levels=1)
    x = torch.randn(2, T, F)
    h = x.mT
    for conv in memory.blocks[0].convs:
        weight = torch.nn.functional.normalize(conv.direction.flatten(1)).view_as(conv.direction)
        h = torch.nn.functional.pad(h, (1, 0))
        h = torch.nn.functional.conv1d(h, weight, conv.bias).relu()
    want = (h.mT + memory.blocks[0].around(x)).relu()
    torch.testing.assert_close(memory(x, memory.initial_state(2))[0], want)


def test_the_length_of_a_direction_does_not_matter():
    memory = TCN(F, D)
    x = torch.randn(2, T, F)
    y, _ = memory(x, memory.initial_state(2))
    with torch.no_grad():
        for block in memory.blocks:
            for conv in block.convs:
                conv.direction *= 3
    torch.testing.assert_close(memory(x, memory.initial_state(2))[0], y)


def test_the_fast_form_in_float32_equals_the_formula():
    torch.manual_seed(5)
    memory = TCN(16, D, num_levels=3)
    x, start = torch.randn(8, 64, 16), torch.rand(8, 64) < 0.05
    y, state = memory(x, memory.initial_state(8), start)
    y_naive, state_naive = naive(memory)(x, memory.initial_state(8), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.frames, state_naive.frames, rtol=1e-4, atol=1e-5)


def test_channels_are_dropped_only_while_training():
    torch.manual_seed(6)
    memory, plain = TCN(F, 64, 2, 1, dropout=0.5), TCN(F, 64, 2, 1)
    plain.load_state_dict(memory.state_dict())
    x = torch.randn(3, 50, F)

    def second_convolutions_input(memory):
        return memory(x, memory.initial_state(3))[1].frames[:, F:]

    every = second_convolutions_input(plain)
    some = second_convolutions_input(memory)
    assert torch.equal(second_convolutions_input(memory.eval()), every)
    torch.testing.assert_close(some[some != 0], 2 * every[some != 0])
    dropped = (some == 0) & (every != 0)
    assert 0.3 < dropped.sum() / (every != 0).sum() < 0.7


def test_a_channel_is_dropped_at_every_step_of_a_call():
    torch.manual_seed(7)
    memory = TCN(F, 64, 2, 1, dropout=0.5)
    x = torch.randn(2, 1, F).expand(2, 9, F)
    y, _ = memory(x, memory.initial_state(2))
    torch.testing.assert_close(y[:, 3:], y[:, 2:3].expand(2, 6, 64))


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(8)
    memory = TCN(F, D, num_levels=3)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"window": 0}, ValueError, "window must be at least 1, got 0"),
        ({"num_levels": 0}, ValueError, "num_levels must be at least 1, got 0"),
        ({"num_levels": 2.0}, TypeError, "num_levels must be an integer, got 2.0"),
        ({"dropout": 1.0}, ValueError, "dropout must be at least 0 and less than 1, got 1.0"),
        ({"dropout": -0.1}, ValueError, "got -0.1"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        TCN(F, D, **options)
