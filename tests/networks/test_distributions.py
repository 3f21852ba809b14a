import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate

from popgym.networks.action_spaces import action_distribution

BOX = spaces.Box(np.array([-2.0, 0.0]), np.array([2.0, 10.0]), dtype=np.float64)


def torch_reference(space, inputs):
    """The same distribution in torch.distributions, as a list of independent parts."""
    if isinstance(space, spaces.Discrete):
        return [torch.distributions.Categorical(logits=inputs)]
    if isinstance(space, spaces.MultiDiscrete):
        parts = inputs.split(space.nvec.tolist(), -1)
        return [torch.distributions.Categorical(logits=x) for x in parts]
    if isinstance(space, spaces.MultiBinary):
        parts = inputs.chunk(space.n, -1)
        return [torch.distributions.Categorical(logits=x) for x in parts]
    if isinstance(space, spaces.Dict):  # NESTED
        logits, means, log_stds = inputs[..., :7], inputs[..., 7:9], inputs[..., 9:]
        return [
            torch.distributions.Categorical(logits=logits[..., :4]),
            torch.distributions.Categorical(logits=logits[..., 4:]),
            *torch_reference(BOX, torch.cat([means, log_stds], -1)),
        ]
    if space.dtype == np.int8:
        return [torch.distributions.Categorical(logits=x) for x in inputs.split([3, 2], -1)]
    mean, log_std = inputs.chunk(2, -1)
    return [
        torch.distributions.Normal(m, s.exp())
        for m, s in zip(mean.unbind(-1), log_std.unbind(-1), strict=True)
    ]


NESTED = spaces.Dict(a=spaces.Discrete(4), b=spaces.Tuple([spaces.Discrete(3, start=9), BOX]))
WHOLE = spaces.Box(np.array([-1, 5], np.int8), np.array([1, 6], np.int8), dtype=np.int8)
SPACES = [
    spaces.Discrete(5), spaces.MultiDiscrete([3, 2, 4]), BOX, spaces.MultiBinary(3), WHOLE, NESTED,
]  # fmt: skip


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_log_prob_entropy_and_kl_agree_with_torch_distributions(space):
    torch.manual_seed(0)
    dist = action_distribution(space)
    p, q = torch.randn(2, 6, 3, dist.num_inputs, dtype=torch.float64)
    actions = dist.sample(p)
    columns = [actions] if isinstance(space, spaces.Discrete) else actions.unbind(-1)
    p_parts, q_parts = torch_reference(space, p), torch_reference(space, q)
    log_prob = sum(part.log_prob(a) for part, a in zip(p_parts, columns, strict=True))
    torch.testing.assert_close(dist.log_prob(p, actions), log_prob)
    torch.testing.assert_close(dist.entropy(p), sum(part.entropy() for part in p_parts))
    kl = sum(torch.distributions.kl_divergence(a, b) for a, b in zip(p_parts, q_parts, strict=True))
    torch.testing.assert_close(dist.kl(p, q), kl)


def test_a_categorical_sample_has_the_probabilities_of_its_logits():
    dist = action_distribution(spaces.Discrete(3))
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    draws = dist.sample(logits.expand(40_000, 3), torch.Generator().manual_seed(1))
    frequencies = torch.bincount(draws, minlength=3) / 40_000
    torch.testing.assert_close(frequencies, torch.tensor([0.5, 0.3, 0.2]), atol=0.01, rtol=0)


def test_a_gaussian_sample_has_the_mean_and_deviation_of_its_inputs():
    dist = action_distribution(BOX)
    inputs = torch.tensor([1.0, -3.0, 0.0, -1.0])
    draws = dist.sample(inputs.expand(40_000, 4), torch.Generator().manual_seed(1))
    torch.testing.assert_close(draws.mean(0), inputs[:2], atol=0.02, rtol=0)
    torch.testing.assert_close(draws.std(0), inputs[2:].exp(), atol=0.02, rtol=0)


def test_the_mode_is_the_most_probable_action():
    assert action_distribution(spaces.Discrete(3)).mode(torch.tensor([0.0, 2.0, 1.0])) == 1
    multi = action_distribution(spaces.MultiDiscrete([2, 3]))
    assert multi.mode(torch.tensor([0.0, 1.0, 5.0, 0.0, 1.0])).tolist() == [1, 0]
    assert action_distribution(BOX).mode(
        torch.tensor([0.1, 0.2, 9.0, 9.0])
    ).tolist() == pytest.approx([0.1, 0.2])


def test_actions_reach_the_environment_in_its_own_numbers():
    assert action_distribution(spaces.Discrete(3, start=5)).to_env(np.array([0, 2])).tolist() == [
        5,
        7,
    ]
    moved = action_distribution(BOX).to_env(np.array([[-1.0, 0.0], [7.0, 1.0]]))
    assert moved.tolist() == [[-2.0, 5.0], [2.0, 10.0]]
    for action in moved:
        assert BOX.contains(action)


def test_an_unbounded_box_is_passed_on_as_it_is_and_a_half_bounded_one_clipped():
    free = spaces.Box(np.array([-np.inf, 0.0]), np.array([np.inf, np.inf]), dtype=np.float64)
    assert action_distribution(free).to_env(np.array([[40.0, -3.0]])).tolist() == [[40.0, 0.0]]


@pytest.mark.parametrize(
    "space", [spaces.Text(4), spaces.Tuple([BOX, spaces.Text(4)]), spaces.Tuple([])], ids=str
)
def test_an_unsupported_action_space_is_refused_with_what_to_do(space):
    with pytest.raises(ValueError, match=r"must be made of Discrete.*ActionWrapper"):
        action_distribution(space)


class Own(spaces.Discrete):
    """A user's subclass."""


FAR = np.finfo(np.float32).max


@pytest.mark.parametrize(
    ("space", "plain", "expected"),
    [
        (spaces.Discrete(3, start=5, dtype=np.int32), [2], [7]),
        (spaces.Discrete(3, start=-9, dtype=np.int8), [0], [-9]),
        (spaces.Discrete(3, start=2**63 + 5, dtype=np.uint64), [1], [2**63 + 6]),
        (Own(3), [1], [1]),
        (spaces.MultiDiscrete([2, 3], np.uint8, start=[0, 200]), [[1, 2]], [[1, 202]]),
        (spaces.Box(-1, 3, (1,), np.float16), [[7.0]], [[3.0]]),
        (spaces.Box(-np.inf, np.inf, (1,), np.float16), [[1e9]], [[65504.0]]),
        (spaces.Box(-FAR, FAR, (1,)), [[0.5]], [[0.5]]),
        (spaces.Box(-FAR / 2, FAR / 2, (1,)), [[0.0]], [[0.0]]),
        (spaces.Box(-1e308, 1e308, (1,), np.float64), [[-7.0]], [[-7.0]]),
        (spaces.Box(4, 4, (1,)), [[0.3]], [[4.0]]),
        (spaces.Box(5, np.inf, (1,)), [[0.3]], [[5.0]]),
    ],
    ids=str,
)
def test_actions_reach_the_environment_in_its_own_type(space, plain, expected):
    plain = np.array(plain, np.float32 if isinstance(space, spaces.Box) else np.int64)
    actions = action_distribution(space).to_env(plain)
    assert actions.tolist() == expected and actions.dtype == space.dtype
    assert space.contains(actions[0])


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 1, (0,)),
        spaces.Box(0, 1, (2,), np.longdouble),
        spaces.MultiDiscrete([]),
        spaces.MultiDiscrete(np.array(3)),
    ],
    ids=str,
)
def test_a_space_of_the_right_kind_that_holds_no_actions_is_refused_in_one_line(space):
    with pytest.raises(ValueError, match=r"^the action space .* at least one number") as caught:
        action_distribution(space)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiBinary([2, 3]),
        spaces.MultiDiscrete([[2, 3], [3, 2]], start=[[1, 0], [0, -3]]),
        spaces.Box(0, 255, (2, 2), np.uint8),
        spaces.Box(0, 1, (2,), np.bool_),
        WHOLE,
        NESTED,
        spaces.Tuple([NESTED, spaces.MultiBinary(2)]),
    ],
    ids=str,
)
def test_actions_of_many_parts_are_elements_of_the_batched_space(space):
    dist = action_distribution(space)
    inputs = torch.randn(5, dist.num_inputs)
    many = batch_space(space, 5)
    for actions in (dist.sample(inputs), dist.mode(inputs)):
        assert actions.shape == (5, dist.num_columns)
        taken = dist.to_env(actions.numpy())
        assert all(space.contains(each) for each in iterate(many, taken))
        assert torch.isfinite(dist.log_prob(inputs, actions)).all()


def test_whole_numbers_with_too_many_choices_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"5,000 choices; at most 4,096.*Box of real numbers"):
        action_distribution(spaces.Box(1, 5000, (2,), np.int32))
