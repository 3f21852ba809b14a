"""Each model against its wiring written out and its memory as a loop over one row's steps."""

import math

import gymnasium as gym
import pytest
import torch
from torch.nn import functional

from popgym.baselines.ray_models import (
    GRU,
    LMU,
    LSTM,
    MLP,
    S4D,
    BasicMLP,
    DeepFastWeightProgrammer,
    DeepLinearAttention,
    DiffNC,
    Elman,
    FastWeightProgrammer,
    Frameconv,
    Framestack,
    IndRNN,
    LinearAttention,
)

MAX_SEQ_LEN = 30
LENS = [7, 1, 4]


def _make(cls, **options):
    torch.manual_seed(0)
    space = gym.spaces.Box(-1, 1, (5,))
    options = {"hidden_size": 10, "preprocessor_input_size": 12, "actor": (8,), "critic": (6,),
               "preprocessor": (9,), **options}  # fmt: skip
    model = cls(space, gym.spaces.Discrete(3), 3, {"max_seq_len": MAX_SEQ_LEN}, "m", **options)
    return model.double()


def _sine(t, size):
    angles = [t * MAX_SEQ_LEN ** (-2 * (j // 2) / size) for j in range(size)]
    return torch.tensor(
        [math.sin(a) if j % 2 == 0 else math.cos(a) for j, a in enumerate(angles)],
        dtype=torch.float64,
    )


def _features(model, obs_t, t):
    x = functional.layer_norm(
        functional.linear(obs_t, model.feature_map[0].weight, model.feature_map[0].bias), (12,)
    )
    if model.cfg["embedding"] == "sine":
        x = 0.5 * x + 0.5 * _sine(t, 12)
    layer = model.preprocessor[0]
    return functional.leaky_relu(layer.weight @ x + layer.bias)


def _heads(model, y):
    a = functional.leaky_relu(model.actor[0].weight @ y + model.actor[0].bias)
    c = functional.leaky_relu(model.critic[0].weight @ y + model.critic[0].bias)
    logits = model.actor_head.weight @ a + model.actor_head.bias
    return logits, (model.critic_head.weight @ c + model.critic_head.bias)[0]


def _frameconv(model, zs):
    k, conv = model.cfg["stack_size"], model.core.conv
    frames = [torch.zeros(9, dtype=torch.float64)] * (k - 1) + zs
    ys = []
    for t in range(len(zs)):
        y = conv.bias
        for tap in range(k):
            y = y + conv.weight[:, :, tap] @ frames[t + tap]
        ys.append(y)
    last = frames[len(frames) - (k - 1) :]
    return ys, [torch.stack(last) if last else torch.zeros(0, 9, dtype=torch.float64)]


def _gru(model, zs):
    layers = []
    for layer in range(model.cfg["num_recurrent_layers"]):
        w_i, w_h, b_i, b_h = (
            getattr(model.core.gru, f"{name}_l{layer}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, outputs = torch.zeros(10, dtype=torch.float64), []
        for z in zs:
            i_r, i_u, i_n = (w_i @ z + b_i).chunk(3)
            h_r, h_u, h_n = (w_h @ h + b_h).chunk(3)
            r, u = (i_r + h_r).sigmoid(), (i_u + h_u).sigmoid()
            n = (i_n + r * h_n).tanh()
            h = (1 - u) * n + u * h
            outputs.append(h)
        layers.append(h)
        zs = outputs
    return zs, layers


def _mlp(model, zs):
    first, second = model.core.hidden, model.core.output
    hidden = [functional.leaky_relu(first.weight @ z + first.bias) for z in zs]
    return [functional.leaky_relu(second.weight @ h + second.bias) for h in hidden], []


def _framestack(model, zs):
    k, core = model.cfg["stack_size"], model.core
    frames = [torch.zeros(9, dtype=torch.float64)] * (k - 1) + zs
    ys = []
    for t in range(len(zs)):
        compressed = [core.compress.weight @ frame for frame in frames[t : t + k]]
        first = sum(core.join.conv.weight[:, :, tap] @ c for tap, c in enumerate(compressed))
        hidden = functional.leaky_relu(first + core.join.conv.bias)
        ys.append(functional.leaky_relu(core.output.weight @ hidden + core.output.bias))
    return ys, [torch.stack(frames[len(frames) - (k - 1) :])]


def _elman(model, zs):
    layers = []
    for w_i, w_h, b_i, b_h in model.core.rnn.all_weights:
        h, outputs = torch.zeros(10, dtype=torch.float64), []
        for z in zs:
            h = (w_i @ z + b_i + w_h @ h + b_h).tanh()
            outputs.append(h)
        layers.append(h)
        zs = outputs
    return zs, layers


def _lstm(model, zs):
    hidden, cells = [], []
    for w_i, w_h, b_i, b_h in model.core.lstm.all_weights:
        h = c = torch.zeros(10, dtype=torch.float64)
        outputs = []
        for z in zs:
            i, f, g, o = (w_i @ z + b_i + w_h @ h + b_h).chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        hidden.append(h)
        cells.append(c)
        zs = outputs
    return zs, hidden + cells


def _indrnn(model, zs):
    phi, layers = getattr(torch, model.cfg["activation"]), []
    for linear, u in zip(model.core.inputs, model.core.recurrent, strict=True):
        h, outputs = torch.zeros(10, dtype=torch.float64), []
        for z in zs:
            h = phi(linear.weight @ z + linear.bias + u * h)
            outputs.append(h)
        layers.append(h)
        zs = outputs
    return zs, [torch.stack(layers)]


def _lmu(model, zs):
    core = model.core
    h = m = torch.zeros(10, dtype=torch.float64)
    ys = []
    for z in zs:
        m = core.A @ m + core.B * (core.e_x @ z + core.e_h @ h + core.e_m @ m)
        h = (core.W_x @ z + core.W_h @ h + core.W_m @ m).tanh()
        ys.append(h)
    return ys, [h, m]


def _core(model, zs):
    """Memories whose formula is checked where they are: here alone that they are where they are."""
    state, ys = model.core.initial_state(1), []
    for z in zs:
        y, state = model.core(z[None, None], state)
        ys.append(y[0, 0])
    return ys, [field[0] for field in state]


@pytest.mark.parametrize(
    ("cls", "options", "loop"),
    [
        (Frameconv, {"stack_size": 3}, _frameconv),
        (Frameconv, {"stack_size": 1}, _frameconv),
        (Frameconv, {"stack_size": 4, "embedding": None}, _frameconv),
        (GRU, {}, _gru),
        (GRU, {"num_recurrent_layers": 2}, _gru),
        (MLP, {}, _mlp),
        (BasicMLP, {}, _mlp),
        (Framestack, {}, _framestack),
        (Elman, {}, _elman),
        (Elman, {"num_recurrent_layers": 2}, _elman),
        (LSTM, {}, _lstm),
        (LSTM, {"num_recurrent_layers": 2}, _lstm),
        (IndRNN, {}, _indrnn),
        (IndRNN, {"activation": "tanh"}, _indrnn),
        (LMU, {}, _lmu),
        (LinearAttention, {}, _core),
        (DeepLinearAttention, {"num_layers": 2}, _core),
        (FastWeightProgrammer, {}, _core),
        (FastWeightProgrammer, {"update_rule": "delta"}, _core),
        (DeepFastWeightProgrammer, {"num_layers": 2}, _core),
        (S4D, {}, _core),
        (DiffNC, {"cell_size": 3}, _core),
    ],
)
def test_the_model_is_its_formula_gradients_included(cls, options, loop):
    model, naive = _make(cls, **options), _make(cls, **options)
    generator = torch.Generator().manual_seed(1)
    obs = torch.randn(len(LENS), 8, 5, generator=generator, dtype=torch.float64)
    state = [s.expand(len(LENS), *s.shape) for s in model.get_initial_state()]
    out, after = model({"obs": obs.flatten(0, 1)}, state, torch.tensor(LENS, dtype=torch.int32))
    out, values = out.unflatten(0, (-1, 8)), model.value_function().unflatten(0, (-1, 8))

    loss, naive_loss = 0.0, 0.0
    for b, n in enumerate(LENS):
        ys, expected_state = loop(naive, [_features(naive, obs[b, t], t) for t in range(n)])
        for t, y in enumerate(ys):
            logits, value = _heads(naive, y)
            torch.testing.assert_close(out[b, t], logits)
            torch.testing.assert_close(values[b, t], value)
            loss = loss + out[b, t].square().sum() + values[b, t]
            naive_loss = naive_loss + logits.square().sum() + value
        torch.testing.assert_close([s[b] for s in after[:-1]], list(expected_state))
        assert after[-1][b].tolist() == [n]
    loss.backward()
    naive_loss.backward()
    for (name, p), q in zip(model.named_parameters(), naive.named_parameters(), strict=True):
        if name != "mixing":  # a constant .5 in the loop
            torch.testing.assert_close(p.grad, q[1].grad, msg=name)
