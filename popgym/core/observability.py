"""How much of the hidden state an agent observes."""

from enum import IntEnum

OBS = "obs"
STATE = "state"
"""The keys of a dict that contains the observation and the hidden state."""


class Observability(IntEnum):
    """How ``popgym.wrappers.Markovian`` shows the hidden state."""

    PARTIAL = 0
    """The state is not shown."""
    FULL_IN_INFO_DICT = 1
    """The observation is partial; the info dict has the state under the key "state"."""
    FULL = 2
    """The state is the observation."""
    FULL_AND_PARTIAL = 3
    """The observation is a dict: {"obs": the partial observation, "state": the state}."""
