import numpy as np
import pytest

import popgym.envs

LEVELS = ["RepeatPreviousEasy", "RepeatPreviousMedium", "RepeatPreviousHard"]


def decks(count, seed, name="RepeatPreviousEasy"):
    env = popgym.envs.find(name).vector_class(count)
    env.reset(seed=seed)
    return env.snapshot()["records"]["deal_order"].astype(int)


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


def assert_plausible(statistic, degrees):
    """Within 4.5 standard deviations of what chance gives."""
    assert abs(statistic - degrees) < 4.5 * np.sqrt(2 * degrees)


@pytest.mark.parametrize("seed", [0, list(range(20_000))], ids=["indices", "seeds"])
def test_every_card_is_as_likely_at_every_place(seed):
    # Over the environments of one seed, and over seeds: both must give independent shuffles.
    dealt = decks(20_000, seed)
    counts = np.stack([np.bincount(dealt[:, place], minlength=52) for place in range(52)])
    assert_plausible(chi_square(counts), 51 * 51)


def test_every_pair_of_cards_is_as_likely_to_follow_one_another():
    dealt = decks(20_000, 1)
    pairs = (dealt[:, :-1] * 52 + dealt[:, 1:]).reshape(-1)
    counts = np.bincount(pairs, minlength=52 * 52).reshape(52, 52)
    assert (np.diag(counts) == 0).all()
    assert_plausible(chi_square(counts[~np.eye(52, dtype=bool)]), 52 * 51 - 1)


def test_successive_decks_of_an_environment_are_independent():
    env = popgym.envs.find("RepeatPreviousEasy").vector_class(20_000)
    first = []
    for seed in (2, None):
        env.reset(seed=seed)
        first.append(env.snapshot()["records"]["deal_order"][:, 0].astype(int))
    assert_plausible(chi_square(np.bincount(first[0] * 52 + first[1], minlength=52 * 52)), 51 * 51)


@pytest.mark.parametrize("name", LEVELS)
def test_remembering_k_minus_1_steps_earns_everything(name):
    env = popgym.envs.find(name).env_class()
    back = popgym.envs.memory_needed(name)
    obs, _ = env.reset(seed=0)
    seen, total = [obs], 0.0
    while True:
        answer = seen[-1 - back] if len(seen) > back else 0
        obs, reward, terminated, truncated, _ = env.step(answer)
        seen.append(obs)
        total += reward
        if terminated:
            break
    assert total == pytest.approx(1.0)
    assert len(seen) == env.max_episode_length + 1 and not truncated


@pytest.mark.parametrize("name", LEVELS)
def test_answering_with_another_suit_than_the_one_in_view_earns_the_memoryless_score(name):
    env = popgym.envs.find(name).vector_class(4000, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=3)
    returns = np.zeros(4000)
    for _ in range(env.max_episode_length):
        obs, rewards, *_ = env.step((obs + 1) % 4)
        returns += rewards
    expected = popgym.envs.reference_scores(name)["memoryless"]
    assert abs(returns.mean() - expected) < 4 * returns.std() / np.sqrt(4000)


def test_the_answer_is_not_in_what_a_player_is_told():
    env = popgym.envs.RepeatPreviousEasy(render_mode="ansi")
    assert env.reset(seed=0)[1] == {}
    assert env.step(0)[4] == {}
    env.reset(options={"hidden": {"deal_order": np.arange(52) * 3 % 52}})
    pictures = {env.render()}
    for _ in range(3):
        env.step(0)
        pictures.add(env.render())
    assert len(pictures) == 4
    assert all(picture.split("which")[0].count("♠") <= 1 for picture in pictures)


def test_with_k_one_the_card_in_view_is_asked():
    env = popgym.envs.RepeatPrevious(num_decks=5, k=1)  # 260 cards need more than a byte each
    obs, _ = env.reset(seed=0)
    rewards = []
    for _ in range(env.max_episode_length):
        obs, reward, terminated, *_ = env.step(obs)
        rewards.append(reward)
    assert terminated and rewards == [pytest.approx(1 / 259)] * 259
