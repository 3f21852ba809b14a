"""What every memory refuses of a call: shapes, types and devices, never values."""

from typing import Any

import torch
from torch import Tensor


def check_x(x: Tensor, input_size: int, weight: Tensor | None) -> None:
    """Refuse inputs that are not [B, T, F], or that do not fit the memory's parameters.

    Args:
        x: the inputs.
        input_size: F.
        weight: one of the parameters; None where there are none.

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype does not fit.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a tensor [B, T, F], got {kind_of(x)}")
    if x.dim() != 3 or x.shape[2] != input_size:
        remedy = ""
        if x.dim() == 2 and x.shape[1] == input_size:
            remedy = ": a step of each row is x.unsqueeze(1), a single row x.unsqueeze(0)"
        raise ValueError(
            f"x must be [B, T, F] with F = input_size = {input_size}, got {list(x.shape)}{remedy}"
        )
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(
            f"x must hold at least one row and one step, got {list(x.shape)}: with none there is "
            "nothing to compute, and the state stays what it is"
        )
    if weight is not None:
        _check_fits(x, weight)


def _check_fits(x: Tensor, weight: Tensor) -> None:
    if x.device != weight.device:
        raise ValueError(
            f"x is on {x.device} and the memory on {weight.device}: move one with .to(...)"
        )
    if x.dtype == weight.dtype:
        return
    if not x.is_floating_point():
        remedy = f"convert it with .to({weight.dtype})"
    elif torch.is_autocast_enabled(x.device.type):
        return
    else:
        remedy = "convert one with .to(...), or use torch.autocast"
    raise TypeError(f"x is {x.dtype} and the memory's parameters are {weight.dtype}: {remedy}")


def check_state(state: Any, expected: Any, x: Tensor, memory: str) -> None:
    """Refuse a state that is not the memory's own, or does not fit the inputs.

    Args:
        state: the state.
        expected: the memory's state of no rows.
        x: the inputs [B, T, F].
        memory: the name of the memory's class.

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype does not fit, or the state belongs to another memory.
    """
    kind = type(expected).__name__
    if type(state) is not type(expected):
        remedy = "start from initial_state(batch_size)"
        if type(state) in (tuple, list) and len(state) == len(expected):
            remedy += f", or make one of these tensors with {kind}(*state)"
        raise TypeError(f"the state of {memory} is a {kind}, got {kind_of(state)}: {remedy}")
    for name, want, got in zip(expected._fields, expected, state, strict=True):
        _check_field(f"state.{name}", want, got, x)


def _check_field(name: str, want: Tensor, got: Any, x: Tensor) -> None:
    if not isinstance(got, Tensor):
        raise TypeError(f"{name} must be a tensor, got {kind_of(got)}")
    shape = [x.shape[0], *want.shape[1:]]
    if list(got.shape) != shape:
        raise ValueError(
            f"{name} must be {shape} for x of {list(x.shape)}, got {list(got.shape)}: start from "
            f"initial_state({x.shape[0]}) of this memory"
        )
    if got.dtype != want.dtype:
        raise TypeError(f"{name} must be {want.dtype}, got {got.dtype}: convert it with .to(...)")
    if got.device != x.device:
        raise ValueError(
            f"{name} must be on {x.device} as x is, got {got.device}: move it with .to(...)"
        )


def check_start(start: Tensor, x: Tensor) -> None:
    """Refuse starts that are not bool [B, T].

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype does not fit.
    """
    if not isinstance(start, Tensor):
        raise TypeError(f"start must be a tensor of torch.bool or None, got {kind_of(start)}")
    if start.dtype != torch.bool:
        raise TypeError(
            f"start must be a tensor of torch.bool or None, got {start.dtype}: convert it with "
            ".bool()"
        )
    if start.shape != x.shape[:2]:
        raise ValueError(
            f"start must be [B, T] = {list(x.shape[:2])} for x of {list(x.shape)}, "
            f"got {list(start.shape)}"
        )
    if start.device != x.device:
        raise ValueError(
            f"start must be on {x.device} as x is, got {start.device}: move it with .to(...)"
        )


def kind_of(value: object) -> str:
    """Return the type of a value in words, for an error message."""
    return "None" if value is None else f"a {type(value).__name__}"
