"""Chooses the width of a memory for a number of parameters."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

from popgym.baselines.network import policy_spec
from popgym.benchmark.suite import Options
from popgym.runs.environment import make_one
from popgym.runs.settings import Settings

_STEP = 8  # widths are multiples of this, so that heads and groups divide them
_WIDEST = 4096


def with_parameters(settings: Settings, parameters: int) -> Settings:
    """Return the settings with the width whose network is nearest to a number of parameters.

    Args:
        settings: Of a trial.
        parameters: The number of trainable parameters, of which the layers around the memory count
            too.

    Raises:
        ValueError: If even the narrowest network has more.
    """
    # Seed and learning rate do not matter, so that each width is looked for once.
    same = replace(settings, seed=0, lr=Settings.lr, steps=1)
    width = _width(json.dumps(same.as_dict(), sort_keys=True), parameters)
    return replace(settings, network={**settings.network, "hidden_size": width})


@functools.cache
def _width(described: str, parameters: int) -> int:
    """Return the width for settings that are described in JSON."""
    settings = Settings.from_dict(json.loads(described))
    env = make_one(settings.env, settings.env_options)
    env.close()

    def size(width: int) -> int:
        given: Options = {**settings.resolved().network, "hidden_size": width}
        spec = policy_spec(
            replace(settings, network=given), env.observation_space, env.action_space
        )
        return sum(weight.numel() for weight in spec.build().parameters())

    if size(_STEP) > parameters:
        raise ValueError(
            f"{settings.memory} has {size(_STEP):,} parameters with hidden_size {_STEP} already: "
            f"parameters must be at least that, got {parameters:,}"
        )
    low, high = 1, 2  # in units of _STEP
    while size(high * _STEP) < parameters and high * _STEP < _WIDEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle * _STEP) <= parameters else (low, middle)
    return _STEP * min((low, high), key=lambda each: abs(size(each * _STEP) - parameters))
