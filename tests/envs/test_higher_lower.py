import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, returns_of
from tests.envs.exact import HIGHER_LOWER_MEMORYLESS, higher_lower_perfect

LEVELS = {"HigherLowerEasy": 1, "HigherLowerMedium": 2, "HigherLowerHard": 3}
HIGHER, LOWER = 0, 1


@pytest.mark.parametrize("name", LEVELS)
def test_guessing_by_the_rank_alone_earns_what_the_formula_says(name):
    env = popgym.envs.find(name).vector_class(5000, autoreset_mode="Disabled")
    returns = returns_of(env, lambda rank: np.where(rank < 6, HIGHER, LOWER), seed=0)
    assert_mean(returns, HIGHER_LOWER_MEMORYLESS)


def counting_returns(name, episodes, seed):
    env = popgym.envs.find(name).vector_class(episodes, autoreset_mode="Disabled")
    left = np.full((episodes, 13), 4 * LEVELS[name])

    def guess(rank):
        left[np.arange(episodes), rank] -= 1
        higher = (left * (np.arange(13) > rank[:, None])).sum(axis=1)
        lower = (left * (np.arange(13) < rank[:, None])).sum(axis=1)
        return np.where(higher >= lower, HIGHER, LOWER)

    return returns_of(env, guess, seed)


@pytest.mark.parametrize("name", LEVELS)
def test_counting_the_cards_earns_what_the_formula_says(name):
    returns = counting_returns(name, 5000, seed=1)
    assert_mean(returns, higher_lower_perfect(LEVELS[name]))
    assert returns.mean() > HIGHER_LOWER_MEMORYLESS


def test_an_equal_card_earns_nothing_whatever_was_guessed():
    env = popgym.envs.HigherLowerEasy()
    env.reset(options={"hidden": {"deal_order": np.arange(52)}})  # four aces, four twos, …
    rewards = [env.step(HIGHER)[1] for _ in range(51)]
    assert rewards == [1 / 52 if card % 4 == 0 else 0.0 for card in range(1, 52)]
    env.reset(options={"hidden": {"deal_order": np.arange(52)}})
    assert [env.step(LOWER)[1] for _ in range(51)] == [-reward for reward in rewards]


def test_drawings_hide_the_next_card_unless_asked():
    env = popgym.envs.HigherLowerEasy(render_mode="ansi")
    assert env.render() == "card 0 of 52: –   will the next be 0 higher or 1 lower?"
    assert env.reset(options={"hidden": {"deal_order": np.arange(52) * 5 % 52}})[1] == {}
    assert env.render() == "card 1 of 52: A   will the next be 0 higher or 1 lower?"
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True) == env.render() + "   2 is next"
    for _ in range(51):
        assert env.step(HIGHER)[4] == {}
    assert "next" not in env.family.draw(env.snapshot()["records"][0], reveal=True).split("?")[1]


@pytest.mark.parametrize("num_decks", [0, -1, 1.0, "1", None])
def test_a_wrong_number_of_decks_is_refused(num_decks):
    with pytest.raises(ValueError, match="num_decks must be a whole number at least 1"):
        popgym.envs.HigherLower(num_decks)
