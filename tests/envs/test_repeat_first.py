import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, returns_of
from tests.envs.exact import repeat_first_memoryless

LEVELS = {"RepeatFirstEasy": 1, "RepeatFirstMedium": 8, "RepeatFirstHard": 16}  # decks


@pytest.mark.parametrize("name", LEVELS)
def test_remembering_the_first_card_earns_everything(name):
    env = popgym.envs.find(name).vector_class(3, autoreset_mode="Disabled")
    first, _ = env.reset(seed=0)
    np.testing.assert_allclose(returns_of(env, lambda obs: first, seed=0), 1.0)


@pytest.mark.parametrize("name", LEVELS)
def test_naming_the_suit_in_view_earns_what_the_formula_says(name):
    env = popgym.envs.find(name).vector_class(3000, autoreset_mode="Disabled")
    returns = returns_of(env, lambda obs: obs, seed=1)
    assert_mean(returns, repeat_first_memoryless(LEVELS[name]))


def test_the_first_card_is_drawn_only_while_it_is_in_view_or_asked_for():
    env = popgym.envs.RepeatFirstEasy(render_mode="ansi")
    assert env.render().startswith("card 0 of 52: –")
    hearts_first = np.roll(np.arange(52), 1)  # card 51 is a heart, then come all others
    assert env.reset(options={"hidden": {"deal_order": hearts_first}})[1] == {}
    assert env.render() == "card 1 of 52: ♥   which suit was first? 0 ♠ 1 ♦ 2 ♣ 3 ♥"
    assert env.step(3)[4] == {}
    assert env.render() == "card 2 of 52: ♠   which suit was first? 0 ♠ 1 ♦ 2 ♣ 3 ♥"
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True) == env.render() + "   it was ♥"


@pytest.mark.parametrize("num_decks", [0, -1, 1.0, "1", None])
def test_a_wrong_number_of_decks_is_refused(num_decks):
    with pytest.raises(ValueError, match="num_decks must be a whole number at least 1"):
        popgym.envs.RepeatFirst(num_decks)
