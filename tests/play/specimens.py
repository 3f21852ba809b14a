"""Environments to show and to play, importable by name."""

from typing import ClassVar

from popgym.core.env import POPGymEnv
from popgym.envs import RepeatPreviousEasy
from popgym.envs.repeat_previous import RepeatPreviousFamily
from popgym.wrappers import PreviousAction
from tests.baselines.ppo.toys import Countdown


class Reminded(PreviousAction):
    """RepeatPrevious that shows the previous action."""

    def __init__(self, k=4):
        super().__init__(RepeatPreviousEasy(k=k))


class Own(POPGymEnv):
    """A user's own environment."""

    def __init__(self, render_mode=None):
        super().__init__(RepeatPreviousFamily(k=2), render_mode)


class Blank(Countdown):
    """Says that it draws pictures, and does not."""

    metadata: ClassVar = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def render(self):
        return None
