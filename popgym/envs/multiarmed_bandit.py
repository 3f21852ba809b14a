"""Find out which arm pays best, and pull it."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete

from popgym.core.family import Family, whole_number
from popgym.core.hidden import Numbers
from popgym.core.kernel import Rules
from popgym.core.random import uniform
from popgym.core.rules import Record, rule


@rule
def sample(s: Record, p: Record) -> None:
    """Gives each arm a probability to pay."""
    for i in range(len(s.arms)):
        s.arms[i] = uniform(s, 0.0, 1.0)


@rule
def reset(s: Record, p: Record) -> None:
    """No arm was pulled."""
    s.steps, s.paid = 0, 0


@rule
def step(s: Record, p: Record, arm: int) -> Any:
    """Pulls an arm, which pays or not."""
    s.paid = uniform(s, 0.0, 1.0) < s.arms[arm]
    s.steps += 1
    return p.reward if s.paid else -p.reward, False, s.steps == p.limit


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Whether the arm just pulled has paid."""
    obs[0] = s.paid


class MultiarmedBanditFamily(Family):
    """Each step pulls one of some arms, which pays or not; pull the arms that pay most often.

    Each arm's probability to pay is drawn uniformly from 0 to 1 for every episode. A payout
    earns 1 / length, none earns minus as much. The observation says whether there was a payout
    (0 at the beginning), so an agent must be shown its previous action as well.

    Args:
        num_bandits: How many arms there are.
        episode_length: How many pulls an episode has.

    Reference players: win-stay-lose-shift repeats a pull that paid and otherwise goes on to the
    next arm; Thompson sampling keeps a beta distribution for each arm; each was run for 400
    episodes. The perfect player knows the arms, which no agent can: the best of n pays with
    probability n / (n + 1) on average.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_bandits": 10, "episode_length": 200},
        "Medium": {"num_bandits": 20, "episode_length": 400},
        "Hard": {"num_bandits": 30, "episode_length": 600},
    }
    group = "NOISY"
    scores: ClassVar = {
        "Easy": {
            "random": 0.019,
            "win-stay-lose-shift": 0.478,
            "Thompson sampling": 0.642,
            "perfect": 9 / 11,
        },
        "Medium": {
            "random": 0.010,
            "win-stay-lose-shift": 0.566,
            "Thompson sampling": 0.738,
            "perfect": 19 / 21,
        },
        "Hard": {
            "random": 0.011,
            "win-stay-lose-shift": 0.609,
            "Thompson sampling": 0.770,
            "perfect": 29 / 31,
        },
    }
    obs_requires_prev_action = True

    def __init__(self, num_bandits: int = 10, episode_length: int = 200) -> None:
        arms = whole_number("num_bandits", num_bandits, 1)
        limit = whole_number("episode_length", episode_length, 1)
        self.observation_space = Discrete(2)
        self.action_space = Discrete(arms)
        self.state_space = Box(0, 1, (arms,))
        self.max_episode_length = limit
        self.return_bounds = (-1.0, 1.0)
        self.params = {"limit": limit, "reward": 1 / limit}
        self.fields = {"arms": (np.float32, (arms,)), "steps": np.int32, "paid": np.int8}
        self.hidden = {"arms": Numbers((0.0,) * arms, (1.0,) * arms)}

    def state(self, records: np.ndarray) -> Any:
        """Each arm's probability to pay."""
        return records["arms"].copy()

    def draw(self, record: Record, reveal: bool = False) -> str:
        """What the last pull brought."""
        arms, steps = record["arms"], record["steps"]
        last = ("it paid" if record["paid"] else "it did not pay") if steps else "–"
        known = "   " + " ".join(f"{i}: {arm:.2f}" for i, arm in enumerate(arms)) if reveal else ""
        return f"pull {steps}: {last}   pull an arm, 0 to {len(arms) - 1}{known}"

    def memory_needed(self) -> int:
        """Every pull tells something about its arm."""
        return self.max_episode_length - 1
