"""How much of the hidden state an agent is shown."""

from enum import IntEnum

OBS = "obs"
STATE = "state"
"""The keys of a dict that shows the hidden state beside the observation."""


class Observability(IntEnum):
    """What `popgym.wrappers.Markovian` makes of the hidden state."""

    PARTIAL = 0
    """The state is not shown."""
    FULL_IN_INFO_DICT = 1
    """The observation is partial, the state is in the info dict under "state"."""
    FULL = 2
    """The state is the observation."""
    FULL_AND_PARTIAL = 3
    """The observation is a dict: {"obs": the partial observation, "state": the state}."""
