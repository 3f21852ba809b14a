"""Checks that the files of a policy fit together before memory is allocated for its network.

Two files that anyone may have made say how large a network is: policy.json by its numbers, and the
header of weights.safetensors by the shapes of the weights. The second cannot lie, because
safetensors compares the shapes with the size of the file. So the network is first built on torch's
device "meta", where tensors have shapes but no numbers, and is compared with the header.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import safe_open
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from popgym.networks.actor_critic import ActorCritic
from popgym.runs.policy_spec import PolicySpec
from popgym.runs.trust import HOW, UntrustedError

Shapes = dict[str, tuple[int, ...]]

LONGEST_HEADER = 1 << 20
"""Bytes of the header, which has about 100 for each tensor."""
SPARE_NUMBERS, SPARE_CALLS = 1 << 22, 2000
"""What a network may need that has almost no weights: numbers in one tensor, such as a table of
sines; and calls of torch's operators."""
NUMBERS_PER_WEIGHT, CALLS_PER_TENSOR = 8, 32
"""What it may need in addition. popgym's memories need at most 1, and 5."""


def shapes_of(weights: Path) -> Shapes:
    """Return the names and shapes of the tensors in a safetensors file; only its header is read.

    Raises:
        ValueError: If the header is too long.
        SafetensorError: If the header is damaged, or does not fit the size of the file.
    """
    with weights.open("rb") as file:
        start = file.read(8)
    if len(start) < 8 or struct.unpack("<Q", start)[0] > LONGEST_HEADER:
        raise ValueError(f"the header of {weights.name} must have at most {LONGEST_HEADER:,} bytes")
    with safe_open(str(weights), framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def count_of(shapes: Shapes) -> int:
    """Return how many numbers tensors of these shapes have."""
    return sum(math.prod(shape) for shape in shapes.values())


def check_fits(spec: PolicySpec, shapes: Shapes, file: Path) -> None:
    """Check that a description and the weights describe the same network.

    Args:
        spec: The description. A user's own memory need not build on "meta"; only the size of what
            can be built there is then checked.
        shapes: The shapes of the weights.
        file: The file of the description, for the message.

    Raises:
        UntrustedError: If building the network needs far more memory or time than the weights.
        ValueError: If the network has other tensors than the weights.
    """
    budget = Budget(shapes, file)
    budget.check_numbers([spec.memory_options, spec.network])
    try:
        with torch.device("meta"), Unfilled(), budget:
            net = spec.build()
    except UntrustedError:
        raise
    except Exception:
        if ":" in spec.memory:
            return
        raise
    if ":" not in spec.memory:
        built = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
        _compare(built, shapes)


def _compare(built: Shapes, found: Shapes) -> None:
    for name in sorted(built.keys() | found.keys()):
        if built.get(name) != found.get(name):
            here, there = (list(x[name]) if name in x else "missing" for x in (built, found))
            raise ValueError(
                f"the tensor {name} is {here} in the network and {there} in the weights"
            )


def empty_network(spec: PolicySpec) -> ActorCritic:
    """Return the network with any weights, which must be replaced."""
    with Unfilled():
        return spec.build()


class Unfilled(TorchFunctionMode):
    """Context in which weights are not initialised, because they are replaced anyway.

    An orthogonal initialisation takes minutes for a large matrix. On the device "meta", even a
    normal one costs a second, in which torch loads what it needs for it.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function of torch, unless it only fills a tensor or decomposes a matrix."""
        kwargs = kwargs or {}
        if func is torch.linalg.qr:
            (matrix,) = args
            return matrix, matrix[: matrix.shape[-1]]
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class Budget(TorchDispatchMode):
    """Context that ends the building of a network which is larger than its weights can be.

    Args:
        shapes: The shapes of the weights.
        file: The file that describes the network, for the message.
    """

    def __init__(self, shapes: Shapes, file: Path) -> None:
        super().__init__()
        self.file = file
        self.calls = SPARE_CALLS + CALLS_PER_TENSOR * len(shapes)
        self.most = SPARE_NUMBERS + NUMBERS_PER_WEIGHT * count_of(shapes)
        self.left = 16 * self.most

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call an operator of torch, and count it and its result."""
        self.calls -= 1
        result = func(*args, **(kwargs or {}))
        size = result.numel() if isinstance(result, torch.Tensor) else 0
        self.left -= size
        if self.calls < 0 or self.left < 0 or size > self.most:
            self._refuse()
        return result

    def check_numbers(self, options: Any) -> None:
        """Refuse numbers that no size of the network can have, also in lists and tables."""
        waiting = [options]
        while waiting:
            value = waiting.pop()
            if isinstance(value, (list, dict)):
                waiting += value.values() if isinstance(value, dict) else value
            elif isinstance(value, int) and value > self.most:
                self._refuse()

    def _refuse(self) -> NoReturn:
        raise UntrustedError(
            f"{self.file} describes a network that needs much more memory or time than its weights "
            f"do: if you know who made it, {HOW}"
        )
