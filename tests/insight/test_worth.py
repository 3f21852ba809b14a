import json
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from popgym.insight.variants import Variant
from popgym.insight.worth import Worth, difference_interval, worth
from popgym.memory.base import Memory
from popgym.runs.environment import make_environments
from popgym.runs.evaluate import Evaluation, evaluate
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, reset_seed
from tests.baselines.ppo.toys import Countdown, Guess
from tests.insight.perfect import SUITS, K, perfect
from tests.runs import specimens
from tests.runs.specimens import Endless, Uneven, policy

EASY, CARDS = "RepeatPreviousEasy", 52
ANSWERS = CARDS - K  # the questions of an episode of 51 steps, worth 1/48 each
SEED = 5


def easy(count):
    return make_environments(EASY, count)


def measured(player=None, make=easy, **how):
    settings = {"episodes": 20, "seed": SEED, "deterministic": True, "max_steps": 1000, **how}
    return worth(player or perfect(), make, **settings)


def toy(env):
    """Environments of a toy, and a policy for it with random weights."""
    player = policy(env.observation_space, env.action_space)
    return player, lambda count: make_environments(env, count)


def suits_shown(count):
    """The suits that ``count`` environments show at the 51 steps of their first episodes."""
    envs = easy(count)
    obs, _ = envs.reset(seed=reset_seed(envs, SEED, Stream.STANDALONE_ENVIRONMENTS))
    shown = [obs]
    for _ in range(CARDS - 2):
        shown.append(envs.step(np.zeros(count, int))[0])
    return np.array(shown)  # [51, B]


def returns(answers, suits):
    """The returns of answers at the steps 3, 4, … to the cards shown at the steps 0, 1, …"""
    right = answers[K - 1 :] == suits[: 1 - K]
    return (2 * right.sum(0) - ANSWERS) / ANSWERS


@pytest.fixture(scope="module")
def result():
    """The worth of the perfect memory, one episode in each of 20 environments."""
    return measured(floor=-0.5, ceiling=1.0)


def amounts(found, kind):
    return {variant.amount: variant.evaluation for variant in found.of(kind)}


# ---- what the perfect memory of three steps is worth


def test_as_it_is_the_policy_is_perfect(result):
    assert result.variants[0].kind == "as it is"
    np.testing.assert_allclose(result.variants[0].evaluation.returns, 1.0)


def test_the_state_is_cleared_every_1_2_4_steps_up_to_the_length_of_an_episode(result):
    assert list(amounts(result, "cleared")) == [1, 2, 4, 8, 16, 32]  # episodes have 51 steps
    assert list(amounts(result, "swapped")) == [1, 8]
    assert list(amounts(result, "noise")) == [0.1, 0.3, 1.0]


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 32])
def test_clearing_loses_the_answers_whose_cards_lie_before_it(result, n):
    suits = suits_shown(20)
    t = np.arange(CARDS - 1)
    answers = np.zeros_like(suits)  # suit 0 where the card is forgotten
    kept = t[t % n >= K - 1]  # the card shown at t - 3 came after the last clearing
    answers[kept] = suits[kept - K + 1]
    found = amounts(result, "cleared")[n]
    np.testing.assert_allclose(found.returns, returns(answers, suits), atol=1e-9)


@pytest.mark.parametrize("k", [1, 8])
def test_swapping_gives_the_cards_of_the_environments_that_come_after(result, k):
    suits = suits_shown(20)
    t, env = np.ogrid[K - 1 : CARDS - 1, :20]
    swaps = t // k - (t - K + 1) // k  # at the steps after the card was shown
    answers = np.zeros_like(suits)
    answers[K - 1 :] = suits[t - K + 1, (env + swaps) % 20]
    found = amounts(result, "swapped")[k]
    np.testing.assert_allclose(found.returns, returns(answers, suits), atol=1e-9)
    assert found.mean < 0.5


def test_noise_harms_as_much_as_its_strength_in_standard_deviations_says():
    """A frame is 2 in the suit's place and otherwise 0; it gets noise in three steps."""
    spread = 2 * np.sqrt(1 / 4 * 3 / 4)
    rng = np.random.default_rng(0)
    found = amounts(measured(episodes=64), "noise")
    for scale in (0.1, 0.3, 1.0):
        logits = rng.normal([2, 0, 0, 0], scale * spread * np.sqrt(3), (100_000, 4))
        right = (logits.argmax(1) == 0).mean()
        assert found[scale].mean == pytest.approx(2 * right - 1, abs=0.03)
    assert found[0.1].mean == pytest.approx(1)
    assert found[1.0].mean < 0.6


def test_the_worth_is_the_difference_to_clearing_before_every_step(result):
    cleared = amounts(result, "cleared")[1].mean
    assert result.worth_of_memory == pytest.approx(1 - cleared)
    assert result.worth_of_memory == pytest.approx(1.5, abs=0.1)  # naming a suit earns -1/2
    assert result.low < result.worth_of_memory < result.high
    low, high = amounts(result, "cleared")[1].interval()
    assert (result.low, result.high) == pytest.approx((1 - high, 1 - low), abs=0.01)


def test_the_worth_is_a_fraction_of_the_distance_from_floor_to_ceiling(result):
    assert result.fraction == pytest.approx(result.worth_of_memory / 1.5)
    assert result.fraction_interval == pytest.approx((result.low / 1.5, result.high / 1.5))
    assert result.fraction_of == "the distance from the task's floor to its ceiling"


@pytest.mark.parametrize("scores", [(None, 1.0), (0.0, None), (None, None), (1.0, 1.0), (1.0, 0.5)])
def test_without_a_floor_below_a_ceiling_it_is_a_fraction_of_the_larger_return(scores):
    floor, ceiling = scores
    one, other = (
        Variant(kind, amount, kind, Evaluation(np.array(returns), np.array([3, 3])))
        for kind, amount, returns in (("as it is", None, [1.0, 2.0]), ("cleared", 1, [-2.0, -2.0]))
    )
    found = Worth([one, other], 3.5, 3.0, 4.0, floor, ceiling, [])
    assert found.fraction == 1.75
    assert found.fraction_interval == (1.5, 2)
    assert found.fraction_of == "the larger of the two returns in absolute value"


# ---- the same episodes in all variants


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_policy_without_memory_plays_the_same_whatever_is_done_to_its_state(deterministic):
    player = policy(SUITS, SUITS, memory="mlp")
    found = measured(player, episodes=70, deterministic=deterministic)  # some play two episodes
    first, *others = [variant.evaluation.returns.tolist() for variant in found.variants]
    assert len(set(first)) > 10
    assert len(others) == 11
    assert all(other == first for other in others)
    assert found.worth_of_memory == 0
    assert found.notes == ["the policy has no memory: there is nothing to clear"]


def test_the_count_of_steps_is_cleared_too():
    network = {**specimens.NETWORK, "embedding": "sine", "embedding_max_steps": 8}
    found = measured(policy(SUITS, SUITS, memory="mlp", network=network), deterministic=False)
    as_it_is = found.variants[0].evaluation.returns
    assert (amounts(found, "cleared")[1].returns != as_it_is).any()
    for evaluation in amounts(found, "noise").values():
        assert (evaluation.returns == as_it_is).all()
    assert found.notes == [
        "the policy has no memory: there is nothing to clear but the number of the step"
    ]


def test_undisturbed_play_is_that_of_evaluate_and_leaves_the_policy_as_it_was():
    player = policy(SUITS, SUITS)
    found = measured(player, deterministic=False, episodes=70)
    expected = evaluate(
        Policy(player.spec, player.net, SEED), EASY, episodes=70, seed=SEED, deterministic=False
    )
    assert found.variants[0].evaluation.returns.tolist() == expected.returns.tolist()
    fresh = Policy(player.spec, player.net)
    assert torch.equal(player._generator.get_state(), fresh._generator.get_state())


class PointerState(NamedTuple):
    pointer: Tensor


class Pointer(Memory):
    """Keeps the place of the next input in a ring of four, as a real number."""

    def initial_state(self, batch_size):
        return PointerState(torch.zeros(batch_size, 1))

    def forward(self, x, state, start=None):
        y, pointer = x.new_zeros(*x.shape[:2], self.output_size), state.pointer
        for t in range(x.shape[1]):
            if start is not None:
                pointer = pointer.masked_fill(start[:, t, None], 0)
            if not torch.isin(pointer, torch.arange(4.0)).all():
                raise IndexError("no such place")
            pointer = (pointer + 1) % 4
        return y, PointerState(pointer)


class Alternating(Memory):
    """Is 0 and 1 in turns; computes NaN from a number above 1."""

    def initial_state(self, batch_size):
        return PointerState(torch.zeros(batch_size, 1))

    def forward(self, x, state, start=None):
        pointer = state.pointer if start is None else state.pointer.masked_fill(start, 0)
        return x.new_zeros(*x.shape[:2], self.output_size), PointerState((1 - pointer).sqrt())


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        ("Pointer", "IndexError: no such place"),
        ("Alternating", "ValueError: the state's memory.pointer is no longer finite"),
    ],
)
def test_noise_that_a_memory_cannot_take_is_left_out_and_said(memory, message):
    found = measured(policy(SUITS, SUITS, memory=f"tests.insight.test_worth:{memory}"))
    assert found.of("noise") == []
    assert found.notes == [
        f"noise of {scale} standard deviations is left out: {message}" for scale in (0.1, 0.3, 1)
    ]
    assert len(found.of("cleared")) == 6


def test_an_environment_that_fails_is_not_taken_for_a_disturbance():
    class Fails(Countdown):
        plays = 0  # undisturbed play is the first

        def reset(self, *, seed=None, options=None):
            self.plays += seed is not None
            return super().reset(seed=seed)

        def step(self, action):
            if self.plays == 2:
                raise RuntimeError("the motor is on fire")
            return super().step(action)

    with pytest.raises(RuntimeError, match="on fire"):
        measured(*toy(Fails))


# ---- what limits the numbers


def test_episodes_of_one_step_leave_nothing_to_remember():
    found = measured(*toy(Guess))
    assert list(amounts(found, "cleared")) == [1]
    assert found.worth_of_memory == found.fraction == 0
    assert found.notes == ["every episode has one step: there is nothing to remember"]


def test_episodes_that_do_not_end_are_cut_and_it_is_said():
    found = measured(*toy(Endless), max_steps=5)
    assert set(found.variants[0].evaluation.lengths) == {5}
    assert list(amounts(found, "cleared")) == [1, 2, 4]
    assert found.notes == ["no undisturbed episode ended within 5 steps; all were cut there"]
    some = measured(*toy(Uneven), max_steps=7, episodes=100)
    assert some.notes == [
        "36 of 100 undisturbed episodes were cut at 7 steps; they count with their return so far"
    ]


def test_one_episode_gives_numbers_but_no_intervals():
    found = measured(episodes=1)
    assert found.of("swapped") == []
    assert found.worth_of_memory > 0.5
    assert np.isnan([found.low, found.high]).all()
    assert found.notes == [
        "with one episode there are no intervals",
        "with one environment there is no other state to swap with",
    ]
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    assert (
        data["fraction_interval"]
        == data["interval"]
        == data["variants"][0]["interval"]
        == [None, None]
    )


def test_the_data_has_all_numbers(result):
    data = json.loads(json.dumps(result.as_data(), allow_nan=False))
    assert data["worth_of_memory"] == pytest.approx(result.worth_of_memory, rel=1e-5)
    assert data["fraction"] == pytest.approx(data["worth_of_memory"] / 1.5, rel=1e-5)
    assert (data["floor"], data["ceiling"], data["episodes"]) == (-0.5, 1, 20)
    assert len(data["variants"]) == 12
    cleared = result.of("cleared")[0].evaluation
    low, high = cleared.interval()
    assert data["variants"][1] == {
        "kind": "cleared", "amount": 1, "mean_return": pytest.approx(cleared.mean, rel=1e-5),
        "interval": pytest.approx([low, high], rel=1e-5), "mean_length": 51, "cut": 0,
    }  # fmt: skip


def test_the_caller_hears_what_is_played():
    said = []
    measured(*toy(Countdown), progress=said.append)
    assert said == [
        "memory: as it is",
        "memory: cleared before every step",
        "memory: cleared every 2 steps",
        "memory: cleared every 4 steps",
        "memory: swapped before every step",
        "memory: swapped every 8 steps",
        "memory: noise of 0.1 standard deviations",
        "memory: noise of 0.3 standard deviations",
        "memory: noise of 1 standard deviations",
    ]


def test_the_interval_of_a_difference_is_that_of_independent_episodes():
    rng = np.random.default_rng(0)
    one, other = rng.normal(2, 1.5, 200), rng.normal(1, 0.5, 200)

    def reach(a, b):
        low, high = difference_interval(
            Evaluation(a, np.ones(200, int)), Evaluation(b, np.ones(200, int)), 0.9
        )
        assert (low + high) / 2 == pytest.approx(a.mean() - b.mean(), abs=0.01)
        return (high - low) / 2

    normal = 1.645  # the quantile at 95 %
    assert reach(one, other) == pytest.approx(
        normal * np.sqrt((one.var() + other.var()) / 200), rel=0.03
    )
    assert reach(one, one) == pytest.approx(normal * np.sqrt(2 * one.var() / 200), rel=0.03)
