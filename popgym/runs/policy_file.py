"""The two files of a saved policy: the weights as safetensors, the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from popgym.importing import UserModuleError
from popgym.runs.settings import UNRECORDED_TIME_UNIT

WEIGHTS, DESCRIPTION = "weights.safetensors", "policy.json"
FORMAT = 2
_DAMAGE = (
    ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError, SafetensorError,
)  # fmt: skip


class ChangedMemoryError(Exception):
    """A user's memory no longer builds the network that was saved."""


def write(folder: Path, description: dict[str, Any], net: nn.Module) -> None:
    """Writes a network and what it takes to build it into an existing folder."""
    # The bytes, since safetensors would make a file that only its owner can read.
    (folder / WEIGHTS).write_bytes(to_bytes(tensors_of(net)))
    data = {"format": FORMAT, **description}
    (folder / DESCRIPTION).write_text(json.dumps(data, indent=2), encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description, in today's format, and the weights; errors are for `explaining`."""
    data = _current(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    return data, load_file(str(folder / WEIGHTS))


@contextmanager
def explaining(folder: Path) -> Iterator[None]:
    """Says what is wrong with the policy in ``folder`` when reading or building it fails.

    Raises:
        ValueError: in place of any such error.
    """
    try:
        yield
    except FileNotFoundError as error:
        missing = error.filename or folder / WEIGHTS  # safetensors names none
        raise ValueError(
            f"{folder} holds no policy: {missing} is missing; a run writes it with its "
            "first checkpoint"
        ) from error
    except UserModuleError as error:
        raise UserModuleError(
            f"the policy in {folder} needs the class that it was trained with: {error}"
        ) from error
    except ChangedMemoryError as error:
        raise ValueError(f"the policy in {folder} does not fit {error}") from error.__cause__
    except _DAMAGE as error:
        raise ValueError(
            f"the policy in {folder} is damaged ({in_one_line(error)}): popgym train --resume "
            "writes it anew from the run's last checkpoint"
        ) from error


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Return all that a network must be given to act as another does, ready to be written.

    Raises:
        ValueError: If the network's ``state_dict`` holds something else than tensors.
    """
    state = net.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"the network's {name} is no tensor but {type(value).__name__}, which a policy "
                "cannot hold: keep it in a parameter or a buffer"
            )
    # Copies, since safetensors refuses tensors that share their memory, as tied weights do.
    layout = torch.contiguous_format
    return {k: v.detach().cpu().clone(memory_format=layout) for k, v in state.items()}


def _current(data: dict[str, Any]) -> dict[str, Any]:
    """A description in today's format.

    Raises:
        ValueError: when it is of none that is known.
    """
    written = data.pop("format")
    if written == 1:
        # It named a unit of the time embedding that was not the one in training.
        del data["max_steps"]
        data["network"] = {**data["network"], "embedding_max_steps": UNRECORDED_TIME_UNIT}
    elif written != FORMAT:
        raise ValueError(f"written by another version of popgym (format is not {FORMAT})")
    return data


def in_one_line(error: Exception) -> str:
    """An error's kind and message, without line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split())
