"""What a player earns."""

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
    """Plays whole episodes.

    Every environment plays equally many, whatever their lengths: were the first to end taken,
    short episodes would be favoured.

    Args:
        task: What is played.
        player: The class of who plays.
        episodes: How many episodes.
        seed: Decides the environments' dice and the player's.
        num_envs: The most environments side by side.

    Returns:
        The sum of rewards of each episode, [episodes] float64.

    Raises:
        ValueError: `episodes`, `seed` or `num_envs` is wrong.
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
        returns[np.minimum(played, rounds), everyone] += rewards  # the last row is for the surplus
        start = terminated | truncated
        played += start
    return returns[:rounds].reshape(-1)[:episodes]
