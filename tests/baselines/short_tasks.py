"""A task of popgym made short, so that it is learned in seconds; importable by name."""

from typing import ClassVar

import numpy as np

import popgym.envs
from popgym.core.cards import deck_field
from popgym.core.hidden import Permutation
from popgym.envs.repeat_first import RepeatFirstFamily


class ShortRepeatFirstFamily(RepeatFirstFamily):
    """RepeatFirst with a few cards."""

    presets: ClassVar = {}

    def __init__(self, cards: int = 12):
        super().__init__()
        self.max_episode_length = cards - 1
        self.params = {"reward": 1 / (cards - 1)}
        self.fields = {"deal_order": deck_field(cards), "shown": np.int32}
        self.hidden = {"deal_order": Permutation(cards)}


(ShortRepeatFirst,) = popgym.envs.register(ShortRepeatFirstFamily)
