import copy
import math

import pytest
import torch

from popgym.networks.embedding import EMBEDDINGS, Sine, make_embedding


def _row(name, t, size, max_steps, seed=0):
    torch.manual_seed(seed)
    return make_embedding(name, size, max_steps)(torch.tensor(t)).tolist()


def _sine(t, size, max_steps):
    """The formula, one number at a time."""
    angles = [t * max_steps ** (-2 * (j // 2) / size) for j in range(size)]
    return [math.sin(a) if j % 2 == 0 else math.cos(a) for j, a in enumerate(angles)]


def test_sine_has_the_values_worked_out_by_hand():
    # M = 100, d = 4: the frequencies are 1 and 100^(-1/2) = .1
    expected = [math.sin(3.0), math.cos(3.0), math.sin(0.3), math.cos(0.3)]
    assert _row("sine", 3, 4, 100) == pytest.approx(expected, abs=1e-6)
    assert expected == pytest.approx([0.141120, -0.989992, 0.295520, 0.955336], abs=1e-6)


@pytest.mark.parametrize("size", [1, 5, 8])
@pytest.mark.parametrize("t", [0, 1, 9, 10, 4_095, 4_096, 123_457])
def test_sine_follows_its_formula_at_any_step(t, size):
    assert _row("sine", t, size, 10) == pytest.approx(_sine(t, size, 10), abs=1e-6)


def test_sine_is_the_same_looked_up_and_computed():
    sine = Sine(6, 50)
    looked_up = sine(torch.tensor([7, 300]))
    beyond = torch.tensor([7, 300, Sine.MIN_ROWS])
    torch.testing.assert_close(sine(beyond)[:2], looked_up, rtol=0, atol=1e-7)


def test_scaled_sine_is_sine_times_a_learned_weight():
    torch.manual_seed(0)
    embedding = make_embedding("scaled_sine", 8, 100)
    with torch.no_grad():
        embedding.weight.copy_(torch.arange(8.0))
    expected = [j * value for j, value in enumerate(_sine(21, 8, 100))]
    assert embedding(torch.tensor(21)).tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("size", "awake"), [(4, 1), (8, 2), (256, 64)])
def test_three_quarters_of_the_scales_start_at_0_and_the_rest_in_0_to_1(size, awake):
    torch.manual_seed(0)
    weight = make_embedding("scaled_sine", size, 100).weight.detach()
    assert int((weight != 0).sum()) == awake
    assert 0 <= float(weight.min()) <= float(weight.max()) <= 1


@pytest.mark.parametrize("name", ["learned", "fixed"])
def test_a_table_repeats_its_last_row_beyond_its_end(name):
    torch.manual_seed(0)
    embedding = make_embedding(name, 3, 5)
    rows = embedding(torch.tensor([0, 3, 4, 5, 9_999]))
    torch.testing.assert_close(rows, embedding.table[[0, 3, 4, 4, 4]])


def test_the_learned_table_is_trained_and_the_fixed_one_only_saved():
    learned, fixed = make_embedding("learned", 3, 5), make_embedding("fixed", 3, 5)
    assert [tuple(p.shape) for p in learned.parameters()] == [(5, 3)]
    assert list(fixed.parameters()) == []
    assert list(fixed.state_dict()) == ["table"]


def test_simple_scaled_is_the_fraction_of_the_longest_episode_in_the_last_four_features():
    assert _row("simple_scaled", 5, 6, 20) == pytest.approx([0, 0, 0.25, 0.25, 0.25, 0.25])
    assert _row("simple_scaled", 30, 2, 20) == pytest.approx([1.5, 1.5])


def test_perceptron_is_the_sine_of_a_product():
    embedding = make_embedding("perceptron", 2, 20)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor([0.5, -0.1]))
    expected = [math.sin(3.5), math.sin(-0.7)]
    assert embedding(torch.tensor(7)).tolist() == pytest.approx(expected, abs=1e-6)


def test_base2_gives_the_binary_digits_ones_first():
    assert _row("base2", 6, 4, 20) == [0, 1, 1, 0]  # 6 = 2 + 4
    assert _row("base2", 6, 2, 20) == [0, 1]
    # 2^15 + 1; there is no seventeenth digit
    assert _row("base2", 32_769, 18, 20) == [1] + [0] * 14 + [1, 0, 0]
    assert _row("base2", 65_536 + 2, 18, 20) == [0, 1] + [0] * 16


def test_time2vec_is_linear_in_its_first_feature_and_a_sine_in_the_others():
    embedding = make_embedding("time2vec", 3, 20)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor([2.0, 0.5, -1.0]))
        embedding.bias.copy_(torch.tensor([1.0, 0.25, 0.0]))
    expected = [9.0, math.sin(2.25), math.sin(-4.0)]
    assert embedding(torch.tensor(4)).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", EMBEDDINGS)
@pytest.mark.parametrize("size", [1, 3, 16])
def test_every_embedding_maps_steps_of_any_shape_and_length(name, size):
    torch.manual_seed(0)
    embedding = make_embedding(name, size, 7)
    t = torch.tensor([[0, 6, 7], [8, 5_000, 1_000_000]])
    e = embedding(t)
    assert e.shape == (2, 3, size)
    assert e.isfinite().all()
    torch.testing.assert_close(embedding(t[:, 1]), e[:, 1])
    assert embedding(t[:0]).shape == (0, 3, size)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_the_steps_are_told_apart_under_autocast(name):
    """bfloat16 has no 1,001: rounding the step would merge it with 1,000."""
    torch.manual_seed(0)
    embedding = make_embedding(name, 32, 2_000)
    if name == "scaled_sine":
        torch.nn.init.ones_(embedding.weight)
    with torch.autocast("cpu", torch.bfloat16):
        e = embedding(torch.tensor([1_000, 1_001]))
    assert not torch.equal(e[0], e[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["perceptron", "time2vec", "simple_scaled", "sine", "base2"])
def test_the_step_is_not_rounded_to_the_type_of_narrow_weights(name, dtype):
    """bfloat16 has no 1,001, and float16 nothing above 65,504."""
    torch.manual_seed(0)
    embedding = make_embedding(name, 8, 2_000)
    narrow = copy.deepcopy(embedding).to(dtype)
    for weight, wide in zip(narrow.parameters(), embedding.parameters(), strict=True):
        wide.data.copy_(weight)
    t = torch.tensor([1_000, 1_001, 70_000])
    e = narrow(t)
    assert e.dtype == dtype
    torch.testing.assert_close(e, embedding(t).to(dtype), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", ["perceptron", "time2vec"])
def test_the_sine_of_a_late_step_is_that_of_the_formula(name):
    """At a million, float32 leaves an angle two digits behind the point."""
    torch.manual_seed(0)
    embedding = make_embedding(name, 64, 2_000)
    t = 1_000_003
    bias = getattr(embedding, "bias", torch.zeros(64))
    angles = [t * w + b for w, b in zip(embedding.weight.tolist(), bias.tolist(), strict=True)]
    expected = [math.sin(angle) for angle in angles]
    assert embedding(torch.tensor(t)).tolist()[1:] == pytest.approx(expected[1:], abs=1e-6)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_what_is_learned_of_a_late_step_has_the_gradient_of_the_formula(name):
    torch.manual_seed(0)
    embedding = make_embedding(name, 6, 50).double()
    parameters = list(embedding.parameters())
    t = torch.tensor([3, 49, 1_000])
    for parameter in parameters:
        (gradient,) = torch.autograd.grad(embedding(t).square().sum(), parameter)
        direction = torch.randn_like(parameter)
        losses = []
        for step in (1e-7, -2e-7):
            parameter.data.add_(direction, alpha=step)
            losses.append(float(embedding(t).detach().square().sum()))
        parameter.data.add_(direction, alpha=1e-7)
        slope = (losses[0] - losses[1]) / 2e-7
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_an_embedding_follows_its_module_to_double_precision(name):
    assert make_embedding(name, 4, 7).double()(torch.tensor([3])).dtype == torch.float64


@pytest.mark.parametrize("name", [None, "none"])
def test_no_embedding_is_none(name):
    assert make_embedding(name, 4, 7) is None


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown embedding 'sin'; did you mean 'sine'\?"):
        make_embedding("sin", 4, 7)


@pytest.mark.parametrize(("size", "max_steps", "what"), [(0, 7, "size"), (4, 0, "max_steps")])
def test_a_size_below_1_is_refused(size, max_steps, what):
    with pytest.raises(ValueError, match=f"{what} must be at least 1, got 0"):
        make_embedding("sine", size, max_steps)


@pytest.mark.parametrize(
    ("size", "max_steps", "what"), [(4.0, 7, "size"), (True, 7, "size"), (4, "7", "max_steps")]
)
def test_a_size_that_is_no_integer_is_refused(size, max_steps, what):
    with pytest.raises(TypeError, match=f"{what} must be an integer"):
        make_embedding("learned", size, max_steps)


@pytest.mark.parametrize("name", [3, ["sine"]])
def test_a_name_that_is_no_string_is_refused(name):
    with pytest.raises(TypeError, match="name must be a string or None, got"):
        make_embedding(name, 4, 7)
