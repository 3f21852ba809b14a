"""What ``popgym tune`` searches by default, for each memory.

A range is drawn log-uniformly, in whole numbers if both ends are whole. Each dimension contains the
default of its setting.
"""

from __future__ import annotations

from typing import Any

from popgym.benchmark.tuning.dimension import Choice, Dimension, Range

Space = dict[str, Dimension]

COMMON: Space = {
    "lr": Range(1e-4, 5e-3),
    # Steps of each environment × environments: batches of 1,024 and 2,048 steps, and rollouts that
    # reach back 16 to 128 steps.
    "rollout:num_envs": Choice(([16, 64], [32, 32], [64, 16], [64, 32], [128, 16])),
    "minibatch_size": Choice((128, 256, 512, 1024)),
    "gae_lambda": Choice((0.8, 0.9, 0.95, 0.98)),
    "entropy_coefficient": Choice((0.0, 0.001, 0.01)),
    "value_coefficient": Choice((0.1, 0.2, 0.5, 1.0)),
    "network.hidden_size": Choice((64, 128, 256)),
}
"""Of all memories."""

_WINDOW: Space = {"memory.stack_size": Range(2, 64)}
_LAYERS: Space = {"memory.num_layers": Choice((1, 2))}
_HEADS: Space = {"memory.num_heads": Choice((1, 2, 4))}
_MATRIX: Space = {**_HEADS, "memory.key_size": Choice((16, 32, 64))}
_STEP_SIZES: Space = {
    "memory.dt_min": Choice((1e-4, 1e-3, 1e-2)),
    "memory.dt_max": Choice((0.1, 0.5)),
}
_DELAY: Space = {"memory.theta": Range(16, 256)}

MEMORIES: dict[str, Space] = {
    "deep_fwp": {"memory.num_layers": Choice((2, 4))},
    "deep_linear_attention": {"memory.num_layers": Choice((2, 4))},
    "delta_net": _LAYERS,
    "diffnc": {"memory.read_heads": Choice((1, 2, 4)), "memory.cell_size": Choice((8, 16, 32))},
    "elman": _LAYERS,
    "ffm": {
        "memory.state_size": Choice((16, 32, 64)),
        "memory.context_size": Choice((2, 4, 8)),
        "memory.max_period": Range(64, 4096),
    },
    "frameconv": _WINDOW,
    "framestack": _WINDOW,
    "fwp": {"memory.aggregator": Choice(("sum", "max"))},
    "gated_delta_net": _MATRIX,
    "gru": _LAYERS,
    "gtrxl": {
        "memory.num_layers": Choice((1, 2, 4)),
        "memory.num_heads": Choice((2, 4, 8)),
        "memory.window": Range(16, 128),
    },
    "indrnn": {"memory.num_layers": Choice((1, 2, 3))},
    "linear_attention": {"memory.S_aggregator": Choice(("sum", "max"))},
    "lmu": _DELAY,
    "lru": {
        "memory.r_min": Choice((0.0, 0.5, 0.9, 0.98)),
        "memory.state_size": Choice((64, 128, 256)),
        **_LAYERS,
    },
    "lstm": _LAYERS,
    "mamba": {"memory.expand": Choice((1, 2)), "memory.state_size": Choice((8, 16, 32))},
    "mingru": _LAYERS,
    "minlstm": _LAYERS,
    "mlp": {},
    "mlstm": _MATRIX,
    "parallel_lmu": {
        **_DELAY, "memory.channels": Choice((8, 16, 32)), "memory.state_size": Choice((8, 16, 32)),
    },
    "s4d": {**_STEP_SIZES, **_LAYERS},
    "s5": {**_STEP_SIZES, "memory.state_size": Choice((64, 128, 256)), **_LAYERS},
    "shm": {"memory.state_size": Choice((16, 32, 64))},
    "slstm": _HEADS,
    "tcn": {"memory.window": Choice((2, 3, 4)), "memory.num_levels": Choice((3, 4, 5))},
    "xlstm": _MATRIX,
}  # fmt: skip
"""Of each memory, beside ``COMMON``: its own options."""


def default_space(memory: str) -> Space:
    """Return the dimensions of a memory; of ``module:Class``, those of all memories."""
    return COMMON | MEMORIES.get(memory, {})


def described(space: Space) -> list[dict[str, Any]]:
    """Return the rows of a table of a search space."""
    return [{"setting": name, "searched": str(what)} for name, what in space.items()]
