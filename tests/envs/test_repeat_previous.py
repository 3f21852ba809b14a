import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_mean, returns_of
from tests.envs.exact import repeat_previous_memoryless

LEVELS = {"RepeatPreviousEasy": 1, "RepeatPreviousMedium": 2, "RepeatPreviousHard": 3}  # decks


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
def test_answering_with_another_suit_than_the_one_in_view_earns_what_the_formula_says(name):
    env = popgym.envs.find(name).vector_class(4000, autoreset_mode="Disabled")
    returns = returns_of(env, lambda obs: (obs + 1) % 4, seed=3)
    assert_mean(returns, repeat_previous_memoryless(LEVELS[name]))


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
