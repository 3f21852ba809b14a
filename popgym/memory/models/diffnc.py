"""The differentiable neural computer: an LSTM with an external memory.

In each step the LSTM, called the controller, decides what to write to the memory and what to read.

    iₗ, fₗ, oₗ, gₗ = Wₗ [xₜ, rₜ₋₁, hₗ,ₜ₋₁, hₗ₋₁,ₜ] + bₗ                for the controller's layers l
    cₗ,ₜ = σ(fₗ) ⊙ cₗ,ₜ₋₁ + σ(iₗ) ⊙ φ(gₗ)        hₗ,ₜ = σ(oₗ) ⊙ φ(cₗ,ₜ)
    ξₜ = W_ξ [h₁,ₜ, h₂,ₜ, …] + b_ξ
    rₜ = the vectors read from the memory after the write and read operations that ξₜ encodes
    yₜ = W_y [h₁,ₜ, h₂,ₜ, …, rₜ] + b_y

where i, f and o are the input, forget and output gates, g is the candidate, h and c are hidden
state and cell state, ξₜ is the interface vector, σ is the logistic function and φ is tanh or ReLU.

Graves et al., "Hybrid computing using a neural network with dynamic external memory" (2016),
Methods, https://doi.org/10.1038/nature20101. The step of the memory is in
``popgym.memory.ops.dnc``. Two options come from POPGym: several such computers in sequence, and the
choice of φ. With the ReLU, h is limited to at most 20, because otherwise it can grow without bound.

The recurrence is not linear in the state, so the T steps run in a loop. Only the products with xₜ
and the outputs are computed for all steps at once.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.dnc import Cells, interface_size, parse, step, unit
from popgym.memory.ops.eager import eager
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step, clear_rows, reset_steps

_LARGEST = 20.0
"""Upper bound of h where φ is the ReLU."""


class DiffNCState(NamedTuple):
    """State of L computers, each with H controller layers, N cells and R read heads."""

    hidden: Tensor  # [B, L, H, D]
    cell: Tensor  # [B, L, H, D]
    reads: Tensor  # [B, L, R, W], r
    memory: Tensor  # [B, L, N, W], M
    usage: Tensor  # [B, L, N], u
    precedence: Tensor  # [B, L, N], p
    link: Tensor  # [B, L, N, N], L
    read_weights: Tensor  # [B, L, R, N], wʳ
    write_weights: Tensor  # [B, L, N], w


class DiffNC(Memory):
    """A differentiable neural computer, or several in sequence.

    Each has a memory of N = max(1, ⌊D / cell_size⌋) cells.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D; also the size of the controller.
        num_hidden_layers: Number of layers of each controller.
        num_layers: Number of computers in sequence, each with a memory of its own.
        read_heads: Number of read heads, R.
        cell_size: Number of features of a memory cell, W.
        nonlinearity: The controller's φ, ``"tanh"`` or ``"relu"``.

    Raises:
        ValueError: If a size is less than 1, or if the nonlinearity is unknown.
    """

    source: ClassVar[Source] = Source(
        "Graves et al.",
        "Hybrid computing using a neural network with dynamic external memory",
        2016,
        "https://doi.org/10.1038/nature20101",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_hidden_layers: int = 1,
        num_layers: int = 1,
        read_heads: int = 4,
        cell_size: int = 16,
        nonlinearity: str = "tanh",
    ) -> None:
        super().__init__(input_size, hidden_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'nonlinearity must be "tanh" or "relu", got {nonlinearity!r}')
        self.num_hidden_layers = check_size("num_hidden_layers", num_hidden_layers)
        self.num_layers = check_size("num_layers", num_layers)
        self.read_heads = check_size("read_heads", read_heads)
        self.cell_size = check_size("cell_size", cell_size)
        self.nr_cells = max(1, hidden_size // cell_size)
        self.computers = nn.ModuleList(
            Computer(
                hidden_size if layer else input_size,
                hidden_size,
                num_hidden_layers,
                read_heads,
                cell_size,
                nonlinearity,
            )
            for layer in range(num_layers)
        )

    def initial_state(self, batch_size: int) -> DiffNCState:
        """Return empty memories, and controllers whose states are zero."""
        H, D = self.num_hidden_layers, self.output_size
        N, R, W = self.nr_cells, self.read_heads, self.cell_size
        sizes = (H, D), (H, D), (R, W), (N, W), (N,), (N,), (N, N), (R, N), (N,)
        weight = next(self.parameters())
        return DiffNCState(
            *(weight.new_zeros(batch_size, self.num_layers, *size) for size in sizes)
        )

    def forward(
        self, x: Tensor, state: DiffNCState, start: Tensor | None = None
    ) -> tuple[Tensor, DiffNCState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        resets, layers = reset_steps(start), []
        for computer, *before in zip(
            self.computers, *(field.unbind(1) for field in state), strict=True
        ):
            x, after = computer(x, DiffNCState(*before), resets)
            layers.append(after)
        return x, DiffNCState(*(torch.stack(fields, 1) for fields in zip(*layers, strict=True)))


class Computer(nn.Module):
    """One controller and its memory, with the arguments of ``DiffNC``.

    The fields of its state have no axis L.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_hidden_layers: int,
        read_heads: int,
        cell_size: int,
        nonlinearity: str,
    ) -> None:
        super().__init__()
        H, D, RW = num_hidden_layers, hidden_size, read_heads * cell_size
        self.read_heads, self.cell_size = read_heads, cell_size
        self.nonlinearity = nonlinearity
        self.input = Linear(input_size, H * 4 * D)  # i, f, o, g of each layer
        sizes = [RW + D] + [RW + 2 * D] * (H - 1)  # r, h, and h of the layer below
        self.recurrent = nn.ParameterList(nn.Parameter(torch.empty(4 * D, s)) for s in sizes)
        bound = 1 / math.sqrt(D)
        for parameter in (*self.input.parameters(), *self.recurrent):
            nn.init.uniform_(parameter, -bound, bound)
        self.interface = nn.Linear(H * D, interface_size(read_heads, cell_size))
        self.output = Linear(H * D + RW, D)

    @eager
    def forward(
        self, x: Tensor, state: DiffNCState, resets: list[Tensor | None] | None
    ) -> tuple[Tensor, DiffNCState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; ``resets`` is from ``reset_steps``."""
        dtype = state.hidden.dtype
        with torch.autocast(x.device.type, enabled=False):
            gates = self.input(x.to(dtype)).unbind(1)
            unit_memory, outputs = unit(state.memory), []
            for t, gates_t in enumerate(gates):
                if resets is not None and (rows := resets[t]) is not None:
                    cleared = (clear_rows(field, rows) for field in (*state, unit_memory))
                    *fields, unit_memory = cleared
                    state = DiffNCState(*fields)
                state, unit_memory = self._step(gates_t, state, unit_memory)
                outputs.append(torch.cat([state.hidden.flatten(1), state.reads.flatten(1)], 1))
        return self.output(torch.stack(outputs, 1)), state

    def _step(
        self, gates: Tensor, state: DiffNCState, unit_memory: Tensor
    ) -> tuple[DiffNCState, Tensor]:
        """Advance by one step; ``gates`` is W xₜ + b, [B, H 4D]."""
        below, hidden, cell = [state.reads.flatten(1)], [], []
        layers = gates.chunk(len(self.recurrent), 1)
        for layer, (gates_l, weight) in enumerate(zip(layers, self.recurrent, strict=True)):
            seen = torch.cat([below[0], state.hidden[:, layer], *below[1:]], 1)
            h, c = self._cell(torch.addmm(gates_l, seen, weight.mT), state.cell[:, layer])
            below[1:] = [h]
            hidden.append(h)
            cell.append(c)
        xi = self.interface(torch.cat(hidden, 1))
        cells, unit_memory = step(
            Cells(*state[2:]), unit_memory, parse(xi, self.read_heads, self.cell_size)
        )
        return DiffNCState(torch.stack(hidden, 1), torch.stack(cell, 1), *cells), unit_memory

    def _cell(self, gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        D = c.shape[1]
        i, f, o = gates[:, : 3 * D].sigmoid().chunk(3, 1)
        g = gates[:, 3 * D :]
        if self.nonlinearity == "tanh":
            c = torch.addcmul(f * c, i, g.tanh())
            return o * c.tanh(), c
        c = torch.addcmul(f * c, i, g.relu())
        return (o * c.relu()).clamp(max=_LARGEST), c
