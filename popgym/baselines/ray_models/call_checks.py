"""Checks of a custom model's arguments, and of what a subclass returns."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from popgym.memory.call_checks import kind_of


def check_rows(obs: Tensor, size: int, state: Sequence[Any]) -> None:
    """Check that the observations and the state have the same number of rows.

    Args:
        obs: Observations, [B·T, ``size``] if valid.
        size: Features O of an observation.
        state: State, tensors [B, ...] if valid. The last one counts the steps played.

    Raises:
        ValueError: If a shape does not fit.
        TypeError: If the state holds anything other than tensors.
    """
    if not state:
        raise ValueError("the model needs its state; begin with get_initial_state()")
    for i, tensor in enumerate(state):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"state[{i}] must be a tensor, got {type(tensor).__name__}")
    B = state[-1].numel()
    if not B or any(tensor.shape[:1] != (B,) for tensor in state):
        raise ValueError(
            "every tensor of the state must be [B, ...], and the last, the steps played, "
            f"[B, 1] with at least one row, got {[list(tensor.shape) for tensor in state]}"
        )
    if obs.shape[1] != size or len(obs) == 0 or len(obs) % B:
        raise ValueError(
            f"obs_flat must be [B·T, {size}] with the {B} rows of the state, got {list(obs.shape)}"
        )


def check_lengths(seq_lens: Tensor, rows: int) -> None:
    """Check that there is one length for each row.

    Raises:
        ValueError: If ``seq_lens`` is not [``rows``].
    """
    if seq_lens.shape != (rows,):
        raise ValueError(
            f"seq_lens must be [{rows}], one for each row of the state, got {list(seq_lens.shape)}"
        )


def check_count(state: Sequence[Tensor], count: int, model: object) -> None:
    """Check that a memory's state has ``count`` tensors.

    Raises:
        ValueError: If it has more or fewer.
    """
    if len(state) != count:
        raise ValueError(
            f"the state of {type(model).__name__} must be {count + 1} tensors, the last the "
            f"steps played, got {len(state) + 1}; begin with get_initial_state()"
        )


def check_result(
    y: Any, shape: Sequence[int], after: Any, before: Sequence[Tensor], model: object
) -> None:
    """Check the output and the state that ``forward_memory`` returned.

    Args:
        y: Output, a tensor of ``shape`` if valid.
        shape: Expected shape [B, T, D].
        after: State after the call, a list of tensors with the shapes of ``before`` if valid.
        before: State before the call.
        model: The model, named in the error message.

    Raises:
        ValueError: If a type or a shape is wrong.
    """
    name = f"forward_memory of {type(model).__name__}"
    if _shape(y) != list(shape):
        raise ValueError(
            f"{name} must return an output [B, T, D] = {list(shape)}, padding included; "
            f"got {_shape(y)}"
        )
    want = [_shape(tensor) for tensor in before]
    is_list = isinstance(after, (list, tuple))
    got = [_shape(tensor) for tensor in after] if is_list else kind_of(after)
    if got != want:
        raise ValueError(
            f"{name} must return the state as a list of tensors with the shapes of the state given "
            f"to it, {want}; got {got}"
        )


def _shape(x: Any) -> Any:
    return list(x.shape) if isinstance(x, Tensor) else kind_of(x)
