"""State sizes and costs of memories, computed from the memories themselves."""

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
"""Number of environments in the batch for which the cost of a step is counted."""


class Overview(NamedTuple):
    """State size and cost of a memory."""

    receptive_field: int | None
    """Number of inputs an output depends on, including the current one. None means no bound."""
    state: dict[str, list[int]]
    """Shape of each field of the state, without the batch axis."""
    state_numel: int
    """Size of the state of one environment, in numbers."""
    parameters: int
    flops: float
    """Floating-point operations of the matrix products in one step of one environment."""

    @property
    def receptive_field_shown(self) -> str:
        """The receptive field in words."""
        size = self.receptive_field
        return "no limit" if size is None else f"{size} step{'s' if size > 1 else ''}"

    @property
    def megaflops(self) -> str:
        """``flops`` in millions, with three significant digits."""
        return f"{self.flops / 1e6:#.3g}"


def overview(memory: Memory) -> Overview:
    """Return the state size and the cost of a memory.

    The matrix products of one step are counted for a batch of 64 environments and divided by 64, so
    that values computed from the parameters alone are counted once for all 64. Elementwise
    operations are not counted: activations, gates, normalisation and diagonal recurrences.

    Args:
        memory: Memory to look at.
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
    """Return plain data on all memories, to be stored and shown later without torch.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.

    Returns:
        A dict with ``rows``, the table; ``options``, which ``make_memory`` takes for each memory,
        with their defaults; ``layer_options``, the options that every memory has; ``input_size``
        and ``hidden_size``.
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
    """Return a row for each memory: receptive field, state size, cost and source.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
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
    """Return the floating-point operations of matrix products and convolutions in ``run()``.

    Matrix-vector products are not counted.

    Args:
        run: Function to count. It is called once, with oneDNN disabled, because torch cannot count
            the operations inside oneDNN's fused kernels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # disabling oneDNN warns about missing GPUs
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


# torch's counter knows these products only in their versions that do not work in place
_IN_PLACE = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten.baddbmm_), _flops_of_product)
