"""What a custom model refuses of a call: of RLlib's part, and of a subclass's."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


def check_rows(obs: Tensor, size: int, state: Sequence[Any]) -> None:
    """Refuse observations and a state that cannot be parted into the same rows.

    Args:
        obs: should be [B·T, ``size``].
        size: O, the features of an observation.
        state: should be tensors [B, ...], of which the last counts the steps played.

    Raises:
        ValueError: a shape does not fit.
        TypeError: the state holds something else than tensors.
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
    """Refuse lengths of another number of rows."""
    if seq_lens.shape != (rows,):
        raise ValueError(
            f"seq_lens must be [{rows}], one for each row of the state, got {list(seq_lens.shape)}"
        )


def check_count(state: Sequence[Tensor], count: int, model: object) -> None:
    """Refuse a memory's state of other than ``count`` tensors."""
    if len(state) != count:
        raise ValueError(
            f"the state of {type(model).__name__} must be {count + 1} tensors, the last the "
            f"steps played, got {len(state) + 1}; begin with get_initial_state()"
        )


def check_result(
    y: Any, shape: Sequence[int], after: Any, before: Sequence[Tensor], model: object
) -> None:
    """Refuse what a ``forward_memory`` should not return.

    Args:
        y: should be a tensor of ``shape``, [B, T, D].
        shape: what it should be.
        after: should be a list of tensors of the same shapes as those of ``before``.
        before: the state that it was given.
        model: whose it is.

    Raises:
        ValueError: one is not what it should be.
    """
    name = f"forward_memory of {type(model).__name__}"
    if _shape(y) != list(shape):
        raise ValueError(
            f"{name} must return an output [B, T, D] = {list(shape)}, padding included; "
            f"got {_shape(y)}"
        )
    want = [_shape(tensor) for tensor in before]
    got = [_shape(tensor) for tensor in after] if isinstance(after, (list, tuple)) else _kind(after)
    if got != want:
        raise ValueError(
            f"{name} must return the state as a list of tensors of the shapes that it got, {want}; "
            f"got {got}"
        )


def _shape(x: Any) -> Any:
    return list(x.shape) if isinstance(x, Tensor) else _kind(x)


def _kind(x: Any) -> str:
    return f"a {type(x).__name__}"
