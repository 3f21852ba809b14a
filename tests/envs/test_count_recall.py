import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, returns_of
from tests.envs.exact import count_chances, count_recall_clock

LEVELS = {"CountRecallEasy": (52, 2), "CountRecallMedium": (104, 4), "CountRecallHard": (208, 13)}


@pytest.mark.parametrize("name", LEVELS)
def test_counting_earns_everything(name):
    env = popgym.envs.find(name).vector_class(5, autoreset_mode="Disabled")
    counts = np.zeros((5, LEVELS[name][1]), int)

    def count(obs):
        counts[np.arange(5), obs[:, 0]] += 1
        return counts[np.arange(5), obs[:, 1]]

    np.testing.assert_allclose(returns_of(env, count, seed=0), 1.0)


@pytest.mark.parametrize("name", LEVELS)
def test_naming_the_likeliest_count_earns_what_the_formula_says(name):
    env = popgym.envs.find(name).vector_class(3000, autoreset_mode="Disabled")
    cards, kinds = LEVELS[name]
    likeliest = iter([count_chances(cards, kinds, dealt).argmax() for dealt in range(1, cards)])
    returns = returns_of(env, lambda obs: np.full(3000, next(likeliest)), seed=0)
    assert_mean(returns, count_recall_clock(cards, kinds))


def test_a_kind_is_asked_about_as_often_as_it_is_dealt():
    env = popgym.envs.CountRecallHard()
    obs, _ = env.reset(seed=1)
    seen = [obs]
    for _ in range(207):
        seen.append(env.step(0)[0])
    for column in np.array(seen).T:
        assert np.bincount(column).tolist() == [16] * 13
    assert not (np.diff(np.array(seen), axis=1) == 0).all()


def test_every_count_can_be_answered():
    for name, (cards, kinds) in LEVELS.items():
        assert popgym.envs.find(name).task().action_space.n == cards // kinds + 1


@pytest.mark.parametrize(
    "deck_type, card, asked", [("colors", "red", "black"), ("suits", "♥", "♠"), ("ranks", "A", "K")]
)
@pytest.mark.usefixtures("uncompiled")
def test_drawings_name_the_cards_and_hide_the_counts_unless_asked(deck_type, card, asked):
    env = popgym.envs.CountRecall(deck_type=deck_type, render_mode="ansi")
    assert env.render() == "card 0 of 52"
    decks = {
        "value_deal_order": np.roll(np.arange(52), -3),
        "query_deal_order": np.roll(np.arange(52), 4),
    }
    assert env.reset(options={"hidden": decks})[1] == {}
    assert env.render() == f"card 1 of 52: {card}   how many of {asked} so far?"
    assert env.step(0)[4] == {}
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True).startswith(env.render() + "   ")


@pytest.mark.parametrize("deck_type", ["color", "Suits", None, 2])
def test_a_wrong_kind_of_deck_is_refused(deck_type):
    with pytest.raises(
        ValueError, match=r"deck_type must be one of \['colors', 'suits', 'ranks'\]"
    ):
        popgym.envs.CountRecall(deck_type=deck_type)
