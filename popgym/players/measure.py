"""Measuring the returns of a player."""

import numpy as np

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.vector import POPGymVectorEnv
from popgym.players.player import Player


def play_episodes(
    task: Family,
    player: type[Player],
    episodes: int,
    seed: int = 0,
    num_envs: int = 256,
) -> np.ndarray:
    """Play whole episodes.

    Every environment plays the same number of episodes, whatever their lengths. Taking the first
    episodes to end would favour short ones.

    Args:
        task: The task to play.
        player: The class of the player.
        episodes: The number of episodes.
        seed: The seed of the environments and of the player.
        num_envs: The maximum number of environments in the vector environment.

    Returns:
        The sum of rewards of each episode, [episodes] float64.

    Raises:
        ValueError: If ``episodes``, ``seed`` or ``num_envs`` is out of range.
    """
    episodes = whole_number("episodes", episodes, 1)
    rounds = -(-episodes // whole_number("num_envs", num_envs, 1))
    num_envs = -(-episodes // rounds)
    env = POPGymVectorEnv(task, num_envs, "SameStep")
    returns, played = np.zeros((rounds + 1, num_envs)), np.zeros(num_envs, np.int64)
    playing = player(task, num_envs, seed)
    obs, _ = env.reset(seed=seed)
    start, everyone = np.ones(num_envs, bool), np.arange(num_envs)
    while (played < rounds).any():
        seen = env.get_state() if player.observes_state else obs
        obs, rewards, terminated, truncated, _ = env.step(playing.act(seen, start))
        # Environments that have played all their rounds add to the last row, which is dropped.
        returns[np.minimum(played, rounds), everyone] += rewards
        start = terminated | truncated
        played += start
    return returns[:rounds].reshape(-1)[:episodes]
