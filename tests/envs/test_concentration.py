import numpy as np
import pytest

import popgym.envs

IN_ORDER = {"hidden": {"card_at_position": np.arange(52)}}  # four aces, four twos, …


def test_a_turn_of_two_shows_both_cards_until_the_next():
    env = popgym.envs.ConcentrationHard()
    obs, info = env.reset(options=IN_ORDER)
    assert (obs == 13).all() and info == {}
    expected = np.full(52, 13)
    for position, reward, up in [
        (0, 0.0, {0: 0}),
        (51, -2 / 104, {0: 0, 51: 12}),  # no match
        (51, 0.0, {51: 12}),
        (48, 1 / 26, {51: 12, 48: 12}),
        (5, 0.0, {51: 12, 48: 12, 5: 1}),
        (5, -2 / 104, {51: 12, 48: 12, 5: 1}),  # the same card is no pair
        (48, -1 / 104, {51: 12, 48: 12}),  # already matched
        (5, 0.0, {51: 12, 48: 12, 5: 1}),
        (51, -2 / 104, {51: 12, 48: 12, 5: 1}),  # already matched: the turn is lost
        (6, 0.0, {51: 12, 48: 12, 6: 1}),
        (5, 1 / 26, {51: 12, 48: 12, 6: 1, 5: 1}),
    ]:
        expected[:] = 13
        expected[list(up)] = list(up.values())
        obs, earned, terminated, truncated, info = env.step(position)
        np.testing.assert_array_equal(obs, expected)
        assert earned == pytest.approx(reward) and not terminated and not truncated
        assert info == {}


def test_all_pairs_end_the_episode_and_so_does_the_limit():
    env = popgym.envs.ConcentrationHard()
    env.reset(options=IN_ORDER)
    results = [env.step(position)[1:4] for position in range(52)]
    assert sum(reward for reward, *_ in results) == pytest.approx(1.0)
    assert results[-1][1:] == (True, False)
    env.reset(options=IN_ORDER)
    results = [env.step(0)[1:4] for _ in range(104)]
    assert sum(reward for reward, *_ in results) == pytest.approx(-1.0)
    assert results[-1][1:] == (False, True) and not any(over for *_, over in results[:-1])


def test_both_ends_may_come_at_the_same_step():
    env = popgym.envs.ConcentrationHard()
    env.reset(options=IN_ORDER)
    positions = [0] * 52 + list(range(52))
    results = [env.step(position)[2:4] for position in positions]
    assert results[-1] == (True, True) and set(results[:-1]) == {(False, False)}


def test_drawings_hide_the_cards_that_lie_face_down_unless_asked():
    env = popgym.envs.ConcentrationHard(render_mode="ansi")
    env.reset(options=IN_ORDER)
    for position in (0, 1, 36, 51):
        env.step(position)
    lines = env.render().split("\n")
    assert lines[0] == "   0   A   A" + "   ·" * 11
    assert lines[2] == "  26 " + "  · " * 10 + "[10]" + "  ·   ·"
    assert lines[3] == "  39 " + "  · " * 12 + "[ K]"
    assert lines[4] == "1 pairs   step 4"
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert "·" not in revealed and revealed.count("K") == 4
    assert env.obs_requires_prev_action


@pytest.mark.parametrize("deck_type", ["suits", "rank", None])
def test_a_wrong_kind_of_deck_is_refused(deck_type):
    with pytest.raises(ValueError, match=r"deck_type must be one of \['colors', 'ranks'\]"):
        popgym.envs.Concentration(deck_type=deck_type)
