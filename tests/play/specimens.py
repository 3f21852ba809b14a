"""Environments for animations, importable by name."""

from popgym.envs import RepeatPreviousEasy
from popgym.wrappers import PreviousAction


class Reminded(PreviousAction):
    """RepeatPrevious that shows the previous action."""

    def __init__(self, k=4):
        super().__init__(RepeatPreviousEasy(k=k))
