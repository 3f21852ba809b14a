import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, returns_of
from tests.envs.exact import autoencode_memoryless

LEVELS = {"AutoencodeEasy": 1, "AutoencodeMedium": 2, "AutoencodeHard": 3}  # decks
WATCH, PLAY = 1, 0


@pytest.mark.parametrize("name", LEVELS)
def test_a_pile_kept_in_memory_earns_everything(name):
    env = popgym.envs.find(name).env_class()
    (mode, suit), _ = env.reset(seed=0)
    pile, total, terminated = [suit], 0.0, False
    while not terminated:
        played = mode == PLAY
        (mode, suit), reward, terminated, truncated, _ = env.step(pile.pop() if played else 0)
        if not played:
            pile.append(suit)
            assert reward == 0.0
        total += reward
        assert not truncated
    assert total == pytest.approx(1.0) and not pile


def test_the_last_card_is_shown_when_it_is_asked_and_no_card_later():
    env = popgym.envs.AutoencodeEasy()
    obs, _ = env.reset(options={"hidden": {"deal_order": np.arange(52)}})
    seen = [obs]
    for _ in range(103):
        seen.append(env.step(0)[0])
    assert seen[:51] == [(WATCH, card % 4) for card in range(51)]
    assert seen[51] == (PLAY, 3)
    assert seen[52:] == [(PLAY, 0)] * 52


@pytest.mark.parametrize("name", LEVELS)
def test_naming_what_is_in_view_earns_what_the_formula_says(name):
    env = popgym.envs.find(name).vector_class(4000, autoreset_mode="Disabled")
    returns = returns_of(env, lambda obs: obs[1], seed=1)
    assert_mean(returns, autoencode_memoryless(LEVELS[name]))


def test_drawings_hide_the_pile_unless_asked():
    env = popgym.envs.AutoencodeEasy(render_mode="ansi")
    assert env.render() == "0 cards on the pile, top: –   which suit is on top? 0 ♠ 1 ♦ 2 ♣ 3 ♥"
    assert env.reset(options={"hidden": {"deal_order": np.arange(52)}})[1] == {}
    env.step(0)
    assert env.render() == "2 cards on the pile, top: ♦   remember"
    for _ in range(50):
        assert env.step(0)[4] == {}
    assert env.render().startswith("52 cards on the pile, top: ♥   which suit is on top?")
    env.step(0)
    assert env.render().startswith("51 cards on the pile, top: –   which suit is on top?")
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True).endswith("pile:" + " ♠ ♦ ♣ ♥" * 12 + " ♠ ♦ ♣")


@pytest.mark.parametrize("num_decks", [0, -1, 1.0, "1", None])
def test_a_wrong_number_of_decks_is_refused(num_decks):
    with pytest.raises(ValueError, match="num_decks must be a whole number at least 1"):
        popgym.envs.Autoencode(num_decks)
