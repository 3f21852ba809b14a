"""Decides how many episodes of an evaluation each environment plays."""

import numpy as np


def episode_quotas(episodes: int, num_envs: int) -> np.ndarray:
    """Return the number of episodes that each environment plays, fixed in advance.

    If an evaluation counted the first episodes that end in any environment, short episodes would
    be over-represented. Fixed numbers avoid this bias.

    Returns:
        ``[num_envs]`` integers with the sum ``episodes``; no two differ by more than 1.
    """
    each, more = divmod(episodes, num_envs)
    return each + (np.arange(num_envs) < more)
