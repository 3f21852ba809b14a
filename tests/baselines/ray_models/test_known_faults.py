"""What POPGym 1.0.7's models did wrong, one test for each fault."""

import gymnasium as gym
import pytest
import torch
from torch import nn

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

ALL = [
    Frameconv, GRU, MLP, BasicMLP, Framestack, Elman, LSTM, IndRNN, LMU, LinearAttention,
    DeepLinearAttention, FastWeightProgrammer, DeepFastWeightProgrammer, S4D, DiffNC,
]  # fmt: skip


def _make(cls=Frameconv, **options):
    space = gym.spaces.Box(-1, 1, (5,))
    return cls(space, gym.spaces.Discrete(3), 3, {"max_seq_len": 10}, "model", **options)


def _run(model, obs, lens, state=None):
    """Flattened rows [B, T, O] through the model."""
    if state is None:
        state = [s.expand(len(obs), *s.shape) for s in model.get_initial_state()]
    return model({"obs": obs.flatten(0, 1)}, state, torch.tensor(lens))


@pytest.mark.parametrize("cls", ALL)
def test_models_built_in_one_process_share_no_tensor(cls):
    one, other = _make(cls), _make(cls)
    addresses = {t.untyped_storage().data_ptr() for t in one.state_dict().values()}
    assert len(addresses) == len(one.state_dict())
    assert addresses.isdisjoint(t.untyped_storage().data_ptr() for t in other.state_dict().values())


@pytest.mark.parametrize("cls", ALL)
def test_building_a_third_model_leaves_the_first_two_as_they_are(cls):
    actor = nn.Linear(256, 256)
    models = [_make(cls), _make(cls, actor=actor)]
    before = [{k: v.clone() for k, v in m.state_dict().items()} for m in models]
    _make(cls)
    _make(cls, actor=actor)
    for model, weights in zip(models, before, strict=True):
        torch.testing.assert_close(dict(model.state_dict()), weights)


def test_training_one_model_leaves_the_other_and_the_callers_modules_as_they_are():
    parts = {"actor": nn.Linear(256, 256), "critic": nn.Linear(256, 256)}
    one, other = _make(**parts), _make(**parts)
    before = [p.detach().clone() for m in (other, *parts.values()) for p in m.parameters()]
    optimizer = torch.optim.SGD(one.parameters(), lr=1.0)
    _run(one, torch.randn(2, 3, 5), [3, 3])[0].sum().backward()
    optimizer.step()
    after = [p.detach() for m in (other, *parts.values()) for p in m.parameters()]
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("cls", ALL)
def test_a_misspelt_keyword_is_refused(cls):
    with pytest.raises(ValueError, match="did you mean 'embedding_size'"):
        _make(cls, embeding_size=8)


def test_a_keyword_of_a_subclass_is_not_dropped():
    assert _make(stack_size=8).core.stack_size == 8
    assert _make(GRU, num_recurrent_layers=3).core.num_layers == 3


def test_frameconv_takes_a_stack_that_does_not_divide_the_hidden_size():
    model = _make(stack_size=7, hidden_size=20)
    assert _run(model, torch.randn(2, 3, 5), [3, 3])[0].shape == (6, 3)


def test_frameconv_with_a_stack_of_one_keeps_nothing():
    model = _make(stack_size=1)
    assert model.initial_state()[0].shape == (0, 256)
    _, (frames, time) = _run(model, torch.randn(2, 6, 5), [6, 2])
    assert frames.shape == (2, 0, 256)
    assert time.tolist() == [[6], [2]]


@pytest.mark.parametrize("cls", ALL)
def test_the_state_does_not_depend_on_padded_values(cls):
    model = _make(cls)
    obs, lens = torch.randn(3, 6, 5), [6, 2, 5]
    other = obs.clone()
    other[torch.arange(6) >= torch.tensor(lens)[:, None]] = 1e6
    torch.testing.assert_close(_run(model, obs, lens)[1], _run(model, other, lens)[1])


@pytest.mark.parametrize("name", ["learned", "fixed", "sine", "scaled_sine"])
@pytest.mark.parametrize("step", [9, 10, 11, 5_000])
def test_a_step_beyond_the_longest_sequence_works(name, step):
    model = _make(embedding=name)
    frames, _ = model.get_initial_state()
    state = [frames[None], torch.tensor([[float(step)]])]
    out, after = _run(model, torch.randn(1, 4, 5), [4], state)
    assert out.isfinite().all()
    assert after[-1].tolist() == [[step + 4]]


def test_cat_keeps_every_feature_of_the_observation():
    model = _make(embedding_mode="cat", embedding_size=56, scale_embedding=False)
    assert model.feature_map[0].out_features == 200
    z = model.features(torch.randn(1, 1, 5), torch.tensor([[3]]))
    # LayerNorm's output: mean 0 over the observation's features, none of them overwritten
    assert z.shape == (1, 1, 256)
    torch.testing.assert_close(z[..., :200].mean(), torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(z[..., 200:], model.embedding(torch.tensor([[3]])))


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cls", "states"), [(GRU, 1), (Elman, 1), (LSTM, 2)])
def test_recurrent_models_take_any_number_of_layers(cls, states, layers):
    model = _make(cls, num_recurrent_layers=layers)
    _, state = _run(model, torch.randn(2, 4, 5), [4, 4])
    assert [tuple(s.shape) for s in state] == [(2, 256)] * layers * states + [(2, 1)]


@pytest.mark.parametrize("cls", ALL)
def test_the_state_after_padding_is_that_of_the_last_real_step(cls):
    model = _make(cls)
    obs = torch.randn(2, 6, 5)
    _, padded = _run(model, obs, [2, 6])
    _, alone = _run(model, obs[:1, :2], [2])
    for got, want in zip(padded, alone, strict=True):
        torch.testing.assert_close(got[:1], want)


def test_indrnn_honours_its_activation():
    relu, tanh = _make(IndRNN, activation="relu"), _make(IndRNN, activation="tanh")
    tanh.load_state_dict(relu.state_dict())
    z = torch.randn(2, 6, 256)
    outputs = []
    for model in (relu, tanh):
        state = [s.expand(2, *s.shape) for s in model.initial_state()]
        y, _ = model.forward_memory(z, state, torch.zeros(2).long(), torch.tensor([6, 6]))
        outputs.append(y)
    assert (outputs[0] >= 0).all()
    assert (outputs[1] < 0).any()


def test_every_weight_of_indrnn_gets_a_gradient():
    model = _make(IndRNN)
    _run(model, torch.randn(2, 6, 5), [6, 6])[0].square().sum().backward()
    assert [n for n, p in model.core.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_running_indrnn_does_not_write_its_weights():
    model = _make(IndRNN)
    with torch.no_grad():
        model.core.recurrent.fill_(3.0)
    _run(model, torch.randn(2, 6, 5), [6, 6])
    assert (model.core.recurrent == 3).all()


def test_framestack_takes_a_stack_that_does_not_divide_the_hidden_size():
    model = _make(Framestack, stack_size=7, hidden_size=20)
    assert _run(model, torch.randn(2, 3, 5), [3, 3])[0].shape == (6, 3)


@pytest.mark.parametrize("cls", ALL)
def test_every_parameter_is_there_before_the_first_forward(cls):
    model = _make(cls)
    before = [name for name, _ in model.named_parameters()]
    _run(model, torch.randn(2, 3, 5), [3, 3])
    assert [name for name, _ in model.named_parameters()] == before


@pytest.mark.parametrize("cls", ALL)
def test_acting_and_learning_agree_after_a_step_of_the_optimizer(cls):
    torch.manual_seed(0)
    model = _make(cls)
    obs = torch.randn(2, 5, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    _run(model, obs, [5, 5])[0].square().sum().backward()
    optimizer.step()
    learned = _run(model, obs, [5, 5])[0].unflatten(0, (2, 5))
    state, acted = None, []
    for t in range(5):
        out, state = _run(model, obs[:, t : t + 1], [1, 1], state)
        acted.append(out)
    torch.testing.assert_close(torch.stack(acted, 1), learned, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_forward_switches_neither_mode_nor_parameters(training):
    model = _make(preprocessor=nn.Sequential(nn.Dropout(0.0))).train(training)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    _run(model, torch.randn(2, 3, 5), [3, 1])
    assert all(part.training is training for part in model.modules())
    torch.testing.assert_close(dict(model.state_dict()), before)
