import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from popgym.baselines.ray_models import (
    GRU,
    LMU,
    LSTM,
    MLP,
    S4D,
    BaseModel,
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
from popgym.memory import DeltaNet

OBS_SPACE = gym.spaces.Box(-1, 1, (5,))
ACTION_SPACE = gym.spaces.Discrete(3)
SMALL = {"hidden_size": 12, "preprocessor_input_size": 16, "actor": (8,), "critic": (8,)}
MODELS = [
    (Frameconv, {}),
    (Frameconv, {"stack_size": 1}),
    (GRU, {"num_recurrent_layers": 2, "embedding": "time2vec"}),
    (MLP, {}),
    (BasicMLP, {}),
    (Framestack, {}),
    (Elman, {"num_recurrent_layers": 2}),
    (LSTM, {"num_recurrent_layers": 2, "embedding": "sine"}),
    (IndRNN, {"activation": "tanh"}),
    (LMU, {"theta": 5, "learn_a": True}),
    (LinearAttention, {"S_aggregator": "max", "hidden_size": 40}),
    (DeepLinearAttention, {"num_layers": 2, "hidden_size": 64}),
    (FastWeightProgrammer, {"hidden_size": 40}),
    (FastWeightProgrammer, {"hidden_size": 40, "update_rule": "delta"}),
    (DeepFastWeightProgrammer, {"num_layers": 2, "hidden_size": 64}),
    (S4D, {}),
    (DiffNC, {"cell_size": 3, "read_heads": 2}),
]


class Decay(BaseModel):
    """A user's own memory: a running mean, through a layer of its own."""

    MODEL_CONFIG = {"decay": 0.5}  # noqa: RUF012

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        F, D = self.cfg["preprocessor_output_size"], self.cfg["hidden_size"]
        self.layer = nn.Linear(F, D)
        self.seen = []

    def initial_state(self):
        return [torch.zeros(self.cfg["preprocessor_output_size"])]

    def forward_memory(self, z, state, t_starts, seq_lens):
        self.seen.append((t_starts.tolist(), seq_lens.tolist()))
        (mean,), means = state, []
        for t in range(z.shape[1]):
            new = self.cfg["decay"] * mean + z[:, t]
            mean = torch.where((t < seq_lens)[:, None], new, mean)
            means.append(mean)
        return self.layer(torch.stack(means, 1)), [mean]


def _make(cls=Frameconv, seed=0, model_config=None, obs_space=OBS_SPACE, **kwargs):
    torch.manual_seed(seed)
    config = {"max_seq_len": 30, **(model_config or {})}
    model = cls(obs_space, ACTION_SPACE, 3, config, "model", **{**SMALL, **kwargs})
    for head in (model.actor_head, model.critic_head):  # so that small errors show
        nn.init.normal_(head.weight)
    return model


def _states(model, rows):
    """The initial state as RLlib batches it."""
    return [s.expand(rows, *s.shape).clone() for s in model.get_initial_state()]


def _play(model, obs, state, lens):
    """Calls the model as RLlib does, on flattened rows; returns logits and values as rows."""
    out, after = model({"obs": obs.flatten(0, 1)}, state, lens)
    B, T = obs.shape[:2]
    return out.unflatten(0, (B, T)), model.value_function().unflatten(0, (B, T)), after


def _obs(rows=6, steps=9, seed=1):
    return torch.randn(rows, steps, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("cls", "options"), [*MODELS, (Decay, {})])
def test_padding_reaches_neither_output_nor_state(cls, options):
    model = _make(cls, **options)
    obs, lens = _obs(), torch.tensor([9, 1, 4, 8, 2, 5], dtype=torch.int32)
    obs[torch.arange(9) >= lens[:, None]] = 0.0
    logits, values, after = _play(model, obs, _states(model, 6), lens)
    assert logits.shape == (6, 9, 3)
    for b, n in enumerate(lens.tolist()):
        alone = _play(model, obs[b : b + 1, :n], _states(model, 1), torch.tensor([n]))
        torch.testing.assert_close(logits[b, :n], alone[0][0])
        torch.testing.assert_close(values[b, :n], alone[1][0])
        for state, expected in zip(after, alone[2], strict=True):
            torch.testing.assert_close(state[b], expected[0])


@pytest.mark.parametrize(("cls", "options"), [*MODELS, (Decay, {})])
def test_a_rollout_in_several_calls_is_the_rollout_in_one(cls, options):
    model = _make(cls, **options)
    obs = _obs(steps=12)
    logits, values, after = _play(model, obs, _states(model, 6), torch.full((6,), 12))
    parts, state = [], _states(model, 6)
    for begin, end in [(0, 1), (1, 6), (6, 12)]:
        lens = torch.full((6,), end - begin)
        part = _play(model, obs[:, begin:end], state, lens)
        parts.append(part[:2])
        state = part[2]
    torch.testing.assert_close(torch.cat([p[0] for p in parts], 1), logits)
    torch.testing.assert_close(torch.cat([p[1] for p in parts], 1), values)
    torch.testing.assert_close(state, after)
    assert state[-1].tolist() == [[12.0]] * 6


@pytest.mark.parametrize("kind", [torch.int32, torch.int64, np.int32, np.int64, None])
def test_any_kind_of_seq_lens_is_understood(kind):
    model = _make()
    obs, lens = _obs(2, 4), [4, 4]
    expected = _play(model, obs, _states(model, 2), torch.tensor(lens))
    if kind is None:
        given = None
    elif isinstance(kind, torch.dtype):
        given = torch.tensor(lens, dtype=kind)
    else:
        given = np.array(lens, dtype=kind)
    out, after = model.forward({"obs_flat": obs.flatten(0, 1)}, _states(model, 2), given)
    torch.testing.assert_close(out, expected[0].flatten(0, 1))
    torch.testing.assert_close(after, expected[2])


def test_rows_may_be_longer_than_the_longest_sequence():
    model = _make(GRU)
    obs, lens = _obs(2, 9), torch.tensor([3, 5])
    logits, _, after = _play(model, obs, _states(model, 2), lens)
    shorter = _play(model, obs[:, :5], _states(model, 2), lens)
    assert logits.shape == (2, 9, 3)
    torch.testing.assert_close(logits[1, :5], shorter[0][1])
    torch.testing.assert_close(after, shorter[2])


def test_states_may_arrive_as_floats_of_any_width():
    model = _make(embedding="learned")
    state = [s.double() for s in _play(model, _obs(), _states(model, 6), torch.full((6,), 9))[2]]
    single = [s.float() for s in state]
    lens = torch.full((6,), 9)
    torch.testing.assert_close(
        _play(model, _obs(seed=2), state, lens)[0], _play(model, _obs(seed=2), single, lens)[0]
    )


def test_the_state_begins_with_the_memory_and_ends_with_the_time_counter():
    shapes = [tuple(s.shape) for s in _make(stack_size=5).get_initial_state()]
    assert shapes == [(4, 16), (1,)]
    layers = _make(GRU, num_recurrent_layers=2)
    assert [tuple(s.shape) for s in layers.get_initial_state()] == [(12,), (12,), (1,)]
    assert [tuple(s.shape) for s in _make(BasicMLP).get_initial_state()] == [(1,)]
    assert not any(s.any() for s in layers.get_initial_state())
    assert [tuple(s.shape) for s in layers.initial_state()] == [(12,), (12,)]


@pytest.mark.parametrize(
    ("cls", "options", "shapes"),
    [
        (Framestack, {"stack_size": 5}, [(4, 16)]),
        (Elman, {"num_recurrent_layers": 3}, [(12,)] * 3),
        (LSTM, {}, [(12,), (12,)]),
        (LSTM, {"num_recurrent_layers": 2}, [(12,)] * 4),
        (IndRNN, {}, [(2, 12)]),
        (LMU, {}, [(12,), (12,)]),
        (LMU, {"memory_size": 7}, [(12,), (7,)]),
    ],
)
def test_every_memory_has_the_state_of_popgyms(cls, options, shapes):
    state = _make(cls, **options).get_initial_state()
    assert [tuple(s.shape) for s in state] == [*shapes, (1,)]
    assert not any(s.any() for s in state)


def test_the_states_of_an_lstm_are_all_hidden_states_and_then_all_cells():
    model = _make(LSTM, num_recurrent_layers=2)
    *state, _ = _play(model, _obs(), _states(model, 6), torch.full((6,), 9))[2]
    x = model.features(_obs(), torch.arange(9).expand(6, 9))
    _, (hidden, cells) = model.core.lstm(x)
    torch.testing.assert_close(state, [*hidden, *cells])


def test_a_users_memory_is_told_when_a_chunk_starts_and_how_long_it_is():
    model = _make(Decay)
    state = _play(model, _obs(2, 4), _states(model, 2), torch.tensor([4, 3]))[2]
    _play(model, _obs(2, 4), state, torch.tensor([1, 2]))
    assert model.seen == [([0, 0], [4, 3]), ([4, 3], [1, 2])]


@pytest.mark.parametrize(("cls", "options"), [*MODELS, (Decay, {})])
def test_every_parameter_gets_a_gradient(cls, options):
    model = _make(cls, **options)
    logits, values, _ = _play(model, _obs(), _states(model, 6), torch.tensor([9, 1, 4, 8, 2, 5]))
    (logits.square().sum() + values.sum()).backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_the_calls_tensors_are_not_written():
    model = _make(GRU)
    obs, state = _obs(2, 4).flatten(0, 1), _states(model, 2)
    lens = torch.tensor([4, 2], dtype=torch.int32)
    kept = copy.deepcopy((obs, state, lens))
    model({"obs": obs}, state, lens)
    torch.testing.assert_close((obs, state, lens), kept)


def test_images_and_bytes_are_flattened():
    space = gym.spaces.Box(0, 255, (2, 3, 4), np.uint8)
    model = _make(obs_space=space)
    pixels = torch.randint(0, 255, (6, 2, 3, 4), dtype=torch.uint8)
    out, _ = model({"obs": pixels}, _states(model, 2), torch.tensor([3, 3]))
    flat, _ = model({"obs": pixels.flatten(1).float()}, _states(model, 2), torch.tensor([3, 3]))
    torch.testing.assert_close(out, flat)


def test_options_come_from_both_places_and_the_dict_wins():
    model = _make(
        model_config={"custom_model_config": {"stack_size": 6}}, stack_size=2, embedding="base2"
    )
    assert model.cfg["stack_size"] == model.core.stack_size == 6
    assert model.cfg["embedding"] == "base2"
    assert model.cfg["hidden_size"] == 12


def test_defaults_are_those_of_popgym():
    model = Frameconv(OBS_SPACE, ACTION_SPACE, 3, {"max_seq_len": 20}, "model")
    assert model.cfg["stack_size"] == 4
    assert model.cfg["embedding"] == "sine"
    assert model.cfg["hidden_size"] == 256
    assert model.initial_state()[0].shape == (3, 256)
    assert model.embedding.max_steps == 20
    assert [model.actor[0].out_features, model.actor_head.in_features] == [256, 256]
    assert GRU.default_config()["num_recurrent_layers"] == 1
    assert GRU.default_config()["embedding"] is None
    assert MLP.default_config()["embedding"] == "sine"
    assert BasicMLP.default_config()["embedding"] is None
    assert Framestack.default_config()["stack_size"] == 4
    assert Framestack.default_config()["embedding"] == "sine"
    for cls in (Elman, LSTM):
        assert cls.default_config()["num_recurrent_layers"] == 1
        assert cls.default_config()["embedding"] is None
    assert IndRNN.default_config()["activation"] == "relu"
    attention = {"S_aggregator": "sum", "Z_aggregator": "sum", "embedding": "sine"}
    assert attention.items() <= LinearAttention.default_config().items()
    deep = {**attention, "num_layers": 4, "embedding": None}
    assert deep.items() <= DeepLinearAttention.default_config().items()
    weights = {"aggregator": "sum", "sum_normalization": True, "embedding": "sine"}
    weights |= {"update_rule": "sum"}
    assert weights.items() <= FastWeightProgrammer.default_config().items()
    deep = {**weights, "num_layers": 4, "embedding": None}
    assert deep.items() <= DeepFastWeightProgrammer.default_config().items()
    assert S4D.default_config()["embedding"] is None
    computer = {"num_hidden_layers": 1, "num_layers": 1, "read_heads": 4, "cell_size": 16}
    assert computer.items() <= DiffNC.default_config().items()
    assert DiffNC.default_config()["nonlinearity"] == "tanh"
    assert {"theta": 64, "learn_a": False}.items() <= LMU.default_config().items()


def test_options_reach_the_memory():
    assert _make(Framestack, stack_size=3).core.stack_size == 3
    assert _make(Elman, num_recurrent_layers=3).core.num_layers == 3
    assert _make(LSTM, num_recurrent_layers=3).core.num_layers == 3
    assert _make(IndRNN, num_recurrent_layers=3).core.num_layers == 3
    attention = _make(DeepLinearAttention, Z_aggregator="max", num_layers=2).core
    assert (attention.S_aggregator, attention.Z_aggregator) == ("sum", "max")
    assert attention.num_layers == 2
    weights = _make(FastWeightProgrammer, aggregator="max", sum_normalization=False).core
    assert (weights.aggregator, weights.sum_normalization) == ("max", False)
    corrected = _make(DeepFastWeightProgrammer, update_rule="delta", num_layers=2).core
    assert isinstance(corrected, DeltaNet) and corrected.num_layers == 2
    computer = _make(DiffNC, cell_size=3, read_heads=2, nonlinearity="relu", num_layers=2).core
    assert (computer.nr_cells, computer.cell_size, computer.read_heads) == (4, 3, 2)
    assert (computer.num_layers, computer.computers[1].nonlinearity) == (2, "relu")
    unit = _make(LMU, theta=9, memory_size=4, learn_b=True).core
    assert (unit.theta, unit.memory_size, unit.B.requires_grad) == (9, 4, True)


def test_cfg_holds_the_size_that_the_memory_gets():
    model = _make(preprocessor=nn.Linear(16, 7), preprocessor_output_size=7)
    assert model.cfg["preprocessor_output_size"] == model.core.input_size == 7
    assert _make().cfg["preprocessor_output_size"] == 16
    assert model.cfg["preprocessor"] is model.preprocessor


def test_a_subclass_adds_to_the_options_of_its_base():
    class Named(Frameconv):
        MODEL_CONFIG = {"nickname": "x"}  # noqa: RUF012

    assert {"nickname", "stack_size", "hidden_size"} <= set(Named.default_config())
    assert _make(Named, nickname="y", stack_size=2).cfg["nickname"] == "y"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stack_sise": 8}, "unknown option of Frameconv 'stack_sise'; did you mean 'stack_size'"),
        ({"model_config": {"custom_model_config": {"hiden_size": 1}}}, "did you mean 'hidden_size"),
        ({"stack_size": 0}, "stack_size must be at least 1, got 0"),
        ({"cls": IndRNN, "activation": "gelu"}, 'activation must be "relu" or "tanh"'),
        ({"cls": LMU, "theta": -1}, "theta must be a number of steps above 0, got -1"),
        ({"cls": LSTM, "num_recurrent_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"cls": FastWeightProgrammer, "update_rule": "max"}, 'must be "sum" or "delta", got'),
        (
            {"cls": FastWeightProgrammer, "update_rule": "delta", "aggregator": "max"},
            'update_rule "delta" takes aggregator "sum" and sum_normalization True',
        ),
        ({"embedding": "sin"}, "did you mean 'sine'"),
        ({"obs_space": gym.spaces.Discrete(3)}, "must be a Box, got Discrete"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        _make(**arguments)


@pytest.mark.parametrize("cls", [*dict.fromkeys(cls for cls, _ in MODELS), Decay])
def test_a_model_can_be_copied_for_another_device(cls):
    """RLlib deep-copies the model for each GPU of a learner."""
    model = _make(cls)
    other = copy.deepcopy(model)
    torch.testing.assert_close(dict(other.state_dict()), dict(model.state_dict()))
    addresses = {p.data_ptr() for p in model.parameters()}
    assert addresses.isdisjoint(p.data_ptr() for p in other.parameters())


def test_values_before_the_first_forward_are_refused():
    with pytest.raises(RuntimeError, match="last forward"):
        _make().value_function()


def test_a_call_without_state_is_refused():
    with pytest.raises(ValueError, match="begin with get_initial_state"):
        _make().forward({"obs_flat": torch.zeros(4, 5)}, [], torch.tensor([4]))


def test_a_model_without_memory_says_what_to_override():
    with pytest.raises(NotImplementedError, match="override initial_state and forward_memory"):
        _make(BaseModel).get_initial_state()


def test_an_output_that_leaves_out_the_padding_is_refused():
    class Short(Decay):
        def forward_memory(self, z, state, t_starts, seq_lens):
            return super().forward_memory(z[:, : seq_lens.max()], state, t_starts, seq_lens)

    model = _make(Short)
    with pytest.raises(ValueError, match=r"Short must return an output \[B, T, D\] = \[2, 4, 12\]"):
        _play(model, _obs(2, 4), _states(model, 2), torch.tensor([3, 2]))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 12), (2, 1)], "state of LSTM must be 3 tensors, .* got 2; begin with get"),
        ([(2, 12)] * 3 + [(2, 1)], "must be 3 tensors, the last the steps played, got 4"),
        ([(3, 12), (3, 12), (2, 1)], r"be \[B, ...\], .* got \[\[3, 12\], \[3, 12\], \[2, 1"),
        ([(2, 12), (2, 12), (2, 3)], r"the steps played, \[B, 1\] .*\[2, 3\]\]"),
        ([(0, 12), (0, 12), (0, 1)], "with at least one row"),
        ([(2, 12), (2, 9), (2, 1)], r"state.cell must be \[2, 12\] .* got \[2, 9\]"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(shapes, message):
    state = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(ValueError, match=message):
        _make(LSTM).forward({"obs_flat": torch.zeros(8, 5)}, state, torch.tensor([4, 4]))


def test_a_state_of_something_else_than_tensors_is_refused():
    state = [np.zeros((2, 12), np.float32), torch.zeros(2, 1)]
    with pytest.raises(TypeError, match=r"state\[0\] must be a tensor, got ndarray"):
        _make(GRU).forward({"obs_flat": torch.zeros(8, 5)}, state, torch.tensor([4, 4]))


@pytest.mark.parametrize("shape", [(7, 5), (8, 6), (0, 5)])
def test_observations_that_do_not_fit_the_rows_are_refused(shape):
    model = _make(GRU)
    with pytest.raises(ValueError, match=r"obs_flat must be \[B·T, 5\] with the 2 rows .* got"):
        model.forward({"obs_flat": torch.zeros(shape)}, _states(model, 2), torch.tensor([4, 4]))


def test_lengths_of_other_rows_are_refused():
    model = _make(Decay)
    with pytest.raises(ValueError, match=r"seq_lens must be \[2\], one .* got \[3\]"):
        _play(model, _obs(2, 4), _states(model, 2), torch.tensor([4, 4, 4]))


@pytest.mark.parametrize(
    ("after", "got"),
    [
        (torch.zeros(2, 16), "a Tensor"),
        ([], r"\[\]"),
        ([torch.zeros(1, 16)], r"\[\[1, 16"),
        ([None], r"\['None'\]"),
    ],
)
def test_a_state_that_changes_its_shape_is_refused(after, got):
    class Forgetful(Decay):
        def forward_memory(self, z, state, t_starts, seq_lens):
            return super().forward_memory(z, state, t_starts, seq_lens)[0], after

    model = _make(Forgetful)
    with pytest.raises(ValueError, match=rf"Forgetful must return the state as .*; got .*{got}"):
        _play(model, _obs(2, 4), _states(model, 2), torch.tensor([4, 4]))


def test_the_unit_of_time_is_an_option_of_its_own_or_rllibs_chunk():
    chunk = {"max_seq_len": 20}
    timed = {"embedding": "sine"}
    assert _make(model_config=chunk, **timed).embedding.max_steps == 20
    model = _make(model_config=chunk, **timed, embedding_max_steps=9)
    assert model.embedding.max_steps == model.cfg["embedding_max_steps"] == 9
    assert Frameconv(OBS_SPACE, ACTION_SPACE, 3, {}, "model").embedding.max_steps == 1024


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), ("20", TypeError), (2.5, TypeError)])
def test_a_longest_sequence_that_is_no_number_of_steps_is_refused(value, error):
    with pytest.raises(error, match="max_seq_len must be"):
        _make(model_config={"max_seq_len": value})
