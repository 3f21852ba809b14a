"""How many episodes of an evaluation each environment plays."""

import numpy as np


def episode_quotas(episodes: int, num_envs: int) -> np.ndarray:
    """Share episodes out among environments before any is played.

    Whoever counts the first episodes to end, wherever they end, favours short ones. Numbers that
    are fixed in advance favour none.

    Returns:
        ``[num_envs]``, whose sum is ``episodes``; no two differ by more than 1.
    """
    each, more = divmod(episodes, num_envs)
    return each + (np.arange(num_envs) < more)
