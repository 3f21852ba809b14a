"""What memories keep and cost, computed from the memories themselves."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from popgym.memory.base import Memory, Source
from popgym.memory.describe import shown
from popgym.memory.registry import MEMORIES, memory_options
from popgym.memory.stack import LAYER_OPTIONS

ROWS = 64
"""Environments that act at once where the cost of a step is counted."""


class Overview(NamedTuple):
    """What a memory keeps and costs."""

    receptive_field: int | None
    """How many inputs an output depends on, its own included; None: no bound."""
    state: dict[str, list[int]]
    """The shape of each field of the state, without the batch axis."""
    state_numel: int
    """Numbers kept for each environment."""
    parameters: int
    flops: float
    """Floating-point operations of the matrix products in an environment's step."""

    @property
    def receptive_field_shown(self) -> str:
        """The receptive field in words."""
        size = self.receptive_field
        return "no limit" if size is None else f"{size} step{'s' if size > 1 else ''}"

    @property
    def megaflops(self) -> str:
        """``flops`` in millions, to three digits."""
        return f"{self.flops / 1e6:#.3g}"


def overview(memory: Memory) -> Overview:
    """Look at a memory and count what a step costs.

    The products are counted as a step of 64 environments has them, divided by 64, so that what is
    computed from the parameters alone is shared. Not counted is what is done number by number:
    activations, gates, normalisation, the recurrences of states that do not mix.
    """
    state = memory.initial_state(1)
    return Overview(
        receptive_field=memory.receptive_field,
        state={name: list(getattr(state, name).shape[1:]) for name in state._fields},
        state_numel=memory.state_numel,
        parameters=sum(parameter.numel() for parameter in memory.parameters()),
        flops=_flops_of_step(memory),
    )


def known(input_size: int = 128, hidden_size: int = 256) -> dict[str, Any]:
    """Return what can be told of all memories without torch, once it is stored: plain data.

    Args:
        input_size: F.
        hidden_size: D.

    Returns:
        ``rows``, the table; ``options``, of each memory by ``make_memory``, with their defaults;
        ``layer_options``, those among them that any memory has; ``input_size`` and
        ``hidden_size``.
    """
    options = {name: memory_options(memory) or {} for name, memory in MEMORIES.items()}
    return {
        "input_size": input_size,
        "hidden_size": hidden_size,
        "rows": table(input_size, hidden_size),
        "layer_options": _shown(LAYER_OPTIONS),
        "options": {name: _shown(own) for name, own in options.items()},
    }


def _shown(options: dict[str, Any]) -> dict[str, str]:
    return {name: shown(default) for name, default in options.items()}


def table(input_size: int = 128, hidden_size: int = 256) -> list[dict[str, Any]]:
    """Return a row for each memory: its receptive field, what it keeps and costs, who wrote it.

    Args:
        input_size: F.
        hidden_size: D.
    """
    return [_row(name, memory(input_size, hidden_size)) for name, memory in MEMORIES.items()]


def _row(name: str, memory: Memory) -> dict[str, Any]:
    seen, source = overview(memory), memory.source
    return {
        "name": name,
        "receptive field": seen.receptive_field_shown,
        "state": f"{seen.state_numel:,}",
        "parameters": f"{seen.parameters:,}",
        "Mflop": seen.megaflops,
        "source": source.short if isinstance(source, Source) else source or "–",
    }


def count_flops(run: Callable[[], Any]) -> int:
    """Count the floating-point operations of matrix products and convolutions while it runs.

    Products of a matrix and a vector are left out.

    Args:
        run: is called once, with oneDNN off: its fused kernels cannot be looked into.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # switching oneDNN speaks of absent GPUs
        with (
            torch.backends.mkldnn.flags(enabled=False),
            FlopCounterMode(display=False, custom_mapping=_IN_PLACE) as counter,
        ):
            run()
    return counter.get_total_flops()


def _flops_of_step(memory: Memory) -> float:
    parameter = next(memory.parameters(), torch.empty(0))
    x = parameter.new_zeros(ROWS, 1, memory.input_size)
    with torch.no_grad():
        return count_flops(lambda: memory(x, memory.initial_state(ROWS))) / ROWS


def _flops_of_product(_: Any, a: torch.Size, b: torch.Size, **__: Any) -> int:
    return 2 * a.numel() * b[-1]


# torch's counter knows these products only where they do not write to what they add to
_IN_PLACE = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten.baddbmm_), _flops_of_product)
