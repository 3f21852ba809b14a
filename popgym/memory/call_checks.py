"""Checks of the arguments of a memory's ``forward``: shapes, types and devices, but not values."""

from typing import Any

import torch
from torch import Tensor


def check_x(x: Tensor, input_size: int, weight: Tensor | None) -> None:
    """Check that the inputs are [B, T, F] and match the parameters of the memory.

    Args:
        x: Inputs.
        input_size: Number of input features, F.
        weight: One of the parameters; None if the memory has none.

    Raises:
        ValueError: If the shape or the device does not match.
        TypeError: If ``x`` is not a tensor or its dtype does not match.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a tensor [B, T, F], got {kind_of(x)}")
    if x.dim() != 3 or x.shape[2] != input_size:
        remedy = ""
        if x.dim() == 2 and x.shape[1] == input_size:
            remedy = (
                ": use x.unsqueeze(1) for one step of each row, x.unsqueeze(0) for a single row"
            )
        raise ValueError(
            f"x must be [B, T, F] with F = input_size = {input_size}, got {list(x.shape)}{remedy}"
        )
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(
            f"x must hold at least one row and one step, got {list(x.shape)}: without "
            "any, skip the call and keep the state"
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
    """Check that the state belongs to the memory and matches the inputs.

    Args:
        state: State.
        expected: State of the memory with 0 rows.
        x: Inputs [B, T, F].
        memory: Name of the memory's class, for the error message.

    Raises:
        ValueError: If a shape or a device does not match.
        TypeError: If a dtype does not match, or if the state belongs to another memory.
    """
    kind = type(expected).__name__
    if type(state) is not type(expected):
        remedy = "start from initial_state(batch_size)"
        if type(state) in (tuple, list) and len(state) == len(expected):
            remedy += f", or convert these tensors with {kind}(*state)"
        raise TypeError(f"the state of {memory} is a {kind}, got {kind_of(state)}: {remedy}")
    for name, want, got in zip(expected._fields, expected, state, strict=True):
        _check_field(f"state.{name}", want, got, x)


def _check_field(name: str, want: Tensor, got: Any, x: Tensor) -> None:
    if not isinstance(got, Tensor):
        raise TypeError(f"{name} must be a tensor, got {kind_of(got)}")
    shape = [x.shape[0], *want.shape[1:]]
    if list(got.shape) != shape:
        raise ValueError(
            f"{name} must be {shape} for x of shape {list(x.shape)}, got {list(got.shape)}: "
            f"start from initial_state({x.shape[0]}) of this memory"
        )
    if got.dtype != want.dtype:
        raise TypeError(f"{name} must be {want.dtype}, got {got.dtype}: convert it with .to(...)")
    if got.device != x.device:
        raise ValueError(
            f"{name} must be on {x.device} like x, got {got.device}: move it with .to(...)"
        )


def check_start(start: Tensor, x: Tensor) -> None:
    """Check that the episode start mask is bool [B, T].

    Args:
        start: Episode start mask.
        x: Inputs [B, T, F].

    Raises:
        ValueError: If the shape or the device does not match.
        TypeError: If ``start`` is not a tensor of bool.
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
            f"start must be [B, T] = {list(x.shape[:2])} for x of shape {list(x.shape)}, "
            f"got {list(start.shape)}"
        )
    if start.device != x.device:
        raise ValueError(
            f"start must be on {x.device} like x, got {start.device}: move it with .to(...)"
        )


def kind_of(value: object) -> str:
    """Return the type of a value in words, for an error message."""
    return "None" if value is None else f"a {type(value).__name__}"
