"""Several layers of any memory, with or without residual connections.

    plain:      x⁰ = x,  xˡ = memoryˡ(xˡ⁻¹)
    residual:   x⁰ = P x,  z = xˡ⁻¹ + memoryˡ(LN(xˡ⁻¹)),  xˡ = z + V ReLU(U LN(z) + b) + c

where l = 1 … L, P is the identity or, if the inputs are not of size D, a linear map, LN is a layer
normalisation, and U, V, b and c are the parameters of a position-wise network, which is optional.
Each layer and each LN has its own parameters. A memory without a nonlinearity of its own needs the
ReLU of this network to benefit from several layers.

He et al., "Identity Mappings in Deep Residual Networks" (2016), https://arxiv.org/abs/1603.05027.
The normalisation is inside the residual branch, as in Xiong et al., "On Layer Normalization in the
Transformer Architecture" (2020), https://arxiv.org/abs/2002.04745, section 3.2. The final
normalisation after all layers is not included, because it depends on the network that follows.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.linear import Linear


class Layers(Memory):
    """Several layers of one memory, each applied to the outputs of the layer before.

    The state has the type of the memory's state. Each field is flattened, and the fields of all
    layers are concatenated to [B, ...].

    Args:
        memory: A function that builds a layer from its input size and hidden size: a class such as
            ``LRU``, or ``functools.partial(LRU, state_size=64)``.
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_layers: Number of layers, L.
        residual: Whether each layer is a pre-norm residual block.
        feed_forward: Size of the hidden layer of the position-wise network after each memory. 0
            means no such network. Needs ``residual=True``.

    Raises:
        ValueError: If a size is less than 1, or if ``feed_forward`` is given without ``residual``.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Xiong et al.",
        "On Layer Normalization in the Transformer Architecture",
        2020,
        "https://arxiv.org/abs/2002.04745",
    )

    def __init__(
        self,
        memory: Callable[[int, int], Memory],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        residual: bool = False,
        feed_forward: int = 0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        check_layer_options(num_layers, residual, feed_forward)
        self.num_layers, self.residual = num_layers, residual
        first = hidden_size if residual else input_size
        sizes = [first] + [hidden_size] * (num_layers - 1)
        self.memories = nn.ModuleList(memory(size, hidden_size) for size in sizes)
        if residual:
            project = input_size != hidden_size
            self.project = Linear(input_size, hidden_size) if project else nn.Identity()
            self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in sizes)
            self.networks = nn.ModuleList(
                _FeedForward(hidden_size, feed_forward) if feed_forward else nn.Identity()
                for _ in sizes
            )
        self._shapes = [
            [field.shape[1:] for field in memory.initial_state(0)] for memory in self._layers()
        ]

    @property
    def receptive_field(self) -> int | None:
        """Receptive field of all layers together; each adds its own, less the current input."""
        total = 1
        for memory in self._layers():
            if memory.receptive_field is None:
                return None
            total += memory.receptive_field - 1
        return total

    def initial_state(self, batch_size: int) -> Any:
        """Return the concatenated initial states of all layers."""
        return _join([memory.initial_state(batch_size) for memory in self._layers()])

    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        states = []
        y = self.project(x) if self.residual else x
        for layer, before in enumerate(self._split(state)):
            y, after = self._read(layer, y, before, start)
            states.append(after)
        return y, _join(states)

    def _layers(self) -> list[Memory]:
        return cast(list[Memory], [*self.memories])

    def _read(self, layer: int, x: Tensor, state: Any, start: Tensor | None) -> tuple[Tensor, Any]:
        if not self.residual:
            return self.memories[layer](x, state, start)
        y, state = self.memories[layer](self.norms[layer](x), state, start)
        return self.networks[layer](x + y), state

    def _split(self, state: Any) -> list[Any]:
        """Split the concatenated state into one state for each layer."""
        fields: list[list[Tensor]] = [[] for _ in self.memories]
        for field, *shapes in zip(state, *self._shapes, strict=True):
            pieces = field.split([math.prod(shape) for shape in shapes], 1)
            for layer, piece, shape in zip(fields, pieces, shapes, strict=True):
                layer.append(piece.reshape(len(piece), *shape).contiguous())
        return [type(state)(*layer) for layer in fields]


class _FeedForward(nn.Module):
    """A network with one hidden layer, applied to each step, and its residual connection."""

    def __init__(self, size: int, hidden_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.hidden = Linear(size, hidden_size)
        self.output = Linear(hidden_size, size)

    def forward(self, z: Tensor) -> Tensor:
        return z + self.output(self.hidden(self.norm(z)).relu())


def _join(states: list[Any]) -> Any:
    """Concatenate the states of all layers."""
    fields = zip(*states, strict=True)
    rows = ([f.reshape(len(f), math.prod(f.shape[1:])) for f in layers] for layers in fields)
    return type(states[0])(*(torch.cat(row, 1) for row in rows))


LAYER_OPTIONS: dict[str, Any] = {
    name: inspect.signature(Layers).parameters[name].default
    for name in ("num_layers", "residual", "feed_forward")
}
"""The options that ``make_memory`` takes for every memory, with their defaults."""


def check_layer_options(num_layers: int = 1, residual: bool = False, feed_forward: int = 0) -> None:
    """Check the options of ``Layers``.

    Raises:
        ValueError: If a size is less than 1, or if ``feed_forward`` is given without ``residual``.
        TypeError: If an option has the wrong type.
    """
    check_size("num_layers", num_layers)
    if not isinstance(residual, bool):
        raise TypeError(f"residual must be a bool, got {residual!r}")
    if type(feed_forward) is int and feed_forward == 0:
        return
    check_size("feed_forward", feed_forward)
    if not residual:
        raise ValueError(
            f"feed_forward {feed_forward} needs residual=True: only residual blocks have a network"
        )
