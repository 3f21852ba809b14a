"""The files of RLlib's checkpoint that a run needs, and whether they were written."""

from __future__ import annotations

import pickle
from pathlib import Path

from ray.rllib.core import (
    COMPONENT_ENV_RUNNER,
    COMPONENT_LEARNER,
    COMPONENT_LEARNER_GROUP,
    COMPONENT_RL_MODULE,
    DEFAULT_MODULE_ID,
)

_LEARNER = f"{COMPONENT_LEARNER_GROUP}/{COMPONENT_LEARNER}"
LEARNER_STATE = f"{_LEARNER}/state.pkl"
WEIGHTS = f"{_LEARNER}/{COMPONENT_RL_MODULE}/{DEFAULT_MODULE_ID}/module_state.pkl"
NEEDED = (
    "algorithm_state.pkl",
    f"{COMPONENT_ENV_RUNNER}/state.pkl",
    f"{COMPONENT_LEARNER_GROUP}/state.pkl",
    LEARNER_STATE,
    WEIGHTS,
)
"""Files without which RLlib would go on with what it has, and say nothing."""


def check_written(checkpoint: Path, *, remote: bool) -> None:
    """Check that the files of a new checkpoint are there.

    Args:
        checkpoint: The folder.
        remote: Whether a Ray actor wrote the learner's files. RLlib drops the errors of actors, so
            that these files are also read.

    Raises:
        OSError: If a file is missing or was not written to its end.
    """
    for name in NEEDED:
        if not (checkpoint / name).is_file():
            raise OSError(f"{name} was not written")
    for name in (WEIGHTS, LEARNER_STATE) if remote else ():
        try:
            pickle.loads((checkpoint / name).read_bytes())
        except (EOFError, pickle.UnpicklingError) as error:
            raise OSError(f"{name} was not written to its end") from error
