import pytest
import torch

from popgym.memory import IndRNN, IndRNNState

T, F, D = 11, 4, 5


def naive(memory):
    """The recurrence, one row, one step and one unit's own memory at a time."""
    phi = {"relu": lambda a: a.clamp(min=0), "tanh": torch.tanh}[memory.activation]

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            hidden = list(state.hidden[b])
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    hidden = [torch.zeros_like(h) for h in hidden]
                y_t = x[b, t]
                for layer, h in enumerate(hidden):
                    W, bias = memory.inputs[layer].weight, memory.inputs[layer].bias
                    y_t = phi(W @ y_t + bias + memory.recurrent[layer] * h)
                    hidden[layer] = y_t
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(hidden))
        return torch.stack(rows), IndRNNState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_it_equals_the_formula(assert_equals_reference, activation, num_layers, starts):
    torch.manual_seed(1)
    memory = IndRNN(F, D, activation=activation, num_layers=num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_the_activation_makes_a_difference():
    x = torch.randn(2, T, F, generator=torch.Generator().manual_seed(0))
    relu, tanh = IndRNN(F, D), IndRNN(F, D, activation="tanh")
    tanh.load_state_dict(relu.state_dict())
    y_relu, y_tanh = (m(x, m.initial_state(2))[0] for m in (relu, tanh))
    assert (y_relu >= 0).all()
    assert (y_tanh < 0).any()


def test_the_state_of_all_layers_is_that_of_each_environment():
    memory = IndRNN(F, D)
    assert memory.initial_state(3).hidden.shape == (3, 2, D)
    assert memory.state_numel == 2 * D
    assert memory.receptive_field is None


def test_recurrent_weights_start_between_0_and_1():
    memory = IndRNN(F, 1000)
    assert 0 <= memory.recurrent.min() < 0.01
    assert 0.99 < memory.recurrent.max() <= 1


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_recurrent_weight_beyond_the_bound_acts_as_the_bound(activation):
    torch.manual_seed(2)
    x = torch.randn(2, 3000, F)
    memory, bounded = IndRNN(F, D, activation), IndRNN(F, D, activation)
    with torch.no_grad():
        memory.recurrent.mul_(6).sub_(3)
        bounded.load_state_dict(memory.state_dict())
        bounded.recurrent.clamp_(-1, 1)
        y, _ = memory(x, memory.initial_state(2))
        y_bounded, _ = bounded(x, memory.initial_state(2))
    assert y.isfinite().all()
    assert torch.equal(y, y_bounded)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_recurrent_weight_beyond_the_bound_is_led_back_and_never_further_out(sign):
    memory = IndRNN(1, 1, activation="tanh", num_layers=1)
    with torch.no_grad():
        memory.recurrent.fill_(1.5 * sign)
        memory.inputs[0].weight.fill_(0.2)
        memory.inputs[0].bias.zero_()
    y, _ = memory(torch.tensor([[[1.0], [0.0]]]), memory.initial_state(1))
    last = y[0, 1, 0]  # tanh(u tanh(.2)), which increases with u
    (outwards,) = torch.autograd.grad(-sign * last, [memory.recurrent], retain_graph=True)
    (inwards,) = torch.autograd.grad(sign * last, [memory.recurrent])
    assert outwards == 0
    assert sign * inwards > 0


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(3)
    memory = IndRNN(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1, got 0"),
        ({"num_layers": 1.0}, TypeError, "num_layers must be an integer, got 1.0"),
        ({"activation": "gelu"}, ValueError, 'activation must be "relu" or "tanh", got \'gelu\''),
        ({"activation": None}, ValueError, "got None"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        IndRNN(F, D, **options)
