"""Find the arms that pay most often and pull them."""

import math
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.hidden import Numbers
from popgym.core.kernel import Rules
from popgym.core.random import uniform
from popgym.core.rules import Record, rule
from popgym.envs.pictures.controls import SIZE
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, INK, LILAC, ORANGE, PURPLE, WHITE, YELLOW


@rule
def sample(s: Record, p: Record) -> None:
    """Draw each arm's probability of a payout."""
    for i in range(len(s.arms)):
        s.arms[i] = uniform(s, 0.0, 1.0)


@rule
def reset(s: Record, p: Record) -> None:
    """Set everything to 0: no arm has been pulled."""
    s.steps = s.arm = s.paid = 0


@rule
def step(s: Record, p: Record, arm: int) -> Any:
    """Pull an arm."""
    s.arm = arm
    s.paid = uniform(s, 0.0, 1.0) < s.arms[arm]
    s.steps += 1
    return p.reward if s.paid else -p.reward, False, s.steps == p.limit


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write whether the arm just pulled has paid."""
    obs[0] = s.paid


class MultiarmedBanditFamily(Family):
    """Each step pulls an arm, which pays or not; pull the arms that pay most often.

    Each arm's probability of a payout is drawn uniformly from 0 to 1 for every episode. A pull
    earns 1 / length with a payout and −1 / length without. The observation shows whether there was
    a payout (0 at the beginning), so an agent also needs its previous action.

    Args:
        num_bandits: The number of arms.
        episode_length: The number of pulls in an episode.

    Reference players: win-stay lose-shift repeats a pull that paid and otherwise goes on to the
    next arm. Thompson sampling and the Gittins index keep a beta distribution for each arm. The
    oracle knows the arms, which no agent can. The best of n arms pays with probability n / (n + 1)
    on average, which earns (n − 1) / (n + 1).
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_bandits": 10, "episode_length": 200},
        "Medium": {"num_bandits": 20, "episode_length": 400},
        "Hard": {"num_bandits": 30, "episode_length": 600},
    }
    group = "NOISY"
    obs_requires_prev_action = True
    picture_size = SIZE
    render_fps = 8

    def __init__(self, num_bandits: int = 10, episode_length: int = 200) -> None:
        arms = whole_number("num_bandits", num_bandits, 1)
        limit = whole_number("episode_length", episode_length, 1)
        self.observation_space = Discrete(2)
        self.action_space = Discrete(arms)
        self.state_space = Box(0, 1, (arms,))
        self.max_episode_length = limit
        self.return_bounds = (-1.0, 1.0)
        self.params = {"limit": limit, "reward": 1 / limit}
        self.fields = {"arms": (np.float32, (arms,)), "steps": np.int32}
        self.fields.update(arm=np.int32, paid=np.int8)
        self.hidden = {"arms": Numbers((0.0,) * arms, (1.0,) * arms)}

    def state(self, records: np.ndarray) -> Any:
        """Return each arm's probability of a payout."""
        return records["arms"].copy()

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the result of the last pull; with ``reveal`` also each arm's probability."""
        arms, steps = record["arms"], record["steps"]
        last = ("it paid" if record["paid"] else "it did not pay") if steps else "–"
        known = "   " + " ".join(f"{i}: {arm:.2f}" for i, arm in enumerate(arms)) if reveal else ""
        return f"pull {steps}: {last}   pull an arm, 0 to {len(arms) - 1}{known}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the arms and the last pull's result; with ``reveal`` also the probabilities."""
        steps, limit = record["steps"].item(), self.max_episode_length
        last = record["arm"].item() if steps else None
        told = "" if last is None else f"arm {last} {'paid' if record['paid'] else 'did not pay'}"
        progress(canvas, f"pull {steps} of {limit}", steps, limit, told)
        columns = 5 * math.ceil(math.sqrt(len(record["arms"]) / 10))
        wide = (SIZE[0] - 40) / columns
        high = min(120.0, (SIZE[1] - 76) / math.ceil(len(record["arms"]) / columns))
        for i, pays in enumerate(record["arms"].tolist()):
            box = (20 + wide * (i % columns), 60 + high * (i // columns), wide, high)
            middle = box[0] + wide / 2
            if i == last:
                canvas.rectangle(*box, YELLOW, None, 6)
            paint_arm(canvas, *box, str(i), pays if reveal else 0.0)
            if reveal and wide >= 30:
                canvas.text(middle, box[1] + 0.83 * high, f"{pays:.2f}", 13, PURPLE)
            if i == last:
                coin = ORANGE if record["paid"] else None
                canvas.circle(middle, box[1] + 0.54 * high, min(0.22 * wide, 14), coin, GREY)

    def memory_needed(self) -> int:
        """Return one less than the episode's length: every pull is evidence about its arm."""
        return self.max_episode_length - 1


def paint_arm(
    canvas: Canvas, x: float, y: float, wide: float, high: float, name: str, filled: float
) -> None:
    """Paint an arm, with the given share of its height filled."""
    gap = wide / 14
    x, y, wide, high = x + gap, y + gap, wide - 2 * gap, high - 2 * gap
    canvas.rectangle(x, y, wide, high, WHITE)
    canvas.rectangle(x, y + (1 - filled) * high, wide, filled * high, LILAC)
    canvas.rectangle(x, y, wide, high, None, GREY)
    canvas.text(x + wide / 2, y + 0.2 * high, name, min(18, 0.5 * wide), INK)
