"""The two files of a saved policy: the weights as safetensors, the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from popgym.importing import UserModuleError
from popgym.runs.errors import describe
from popgym.runs.settings import NETWORK_BEFORE_3, UNRECORDED_TIME_UNIT
from popgym.runs.trust import Trust, UntrustedError

WEIGHTS, DESCRIPTION = "weights.safetensors", "policy.json"
FORMAT = 3
LARGEST_WEIGHTS, LARGEST_DESCRIPTION = 1 << 30, 4 << 20
"""Bytes of the largest files that are read of a policy that is not trusted."""
_NEW_IN_3 = {"normalise_observations": False, "masked": False}


class ChangedMemoryError(Exception):
    """Error for a user's memory class that no longer builds the saved network."""


def write(folder: Path, description: dict[str, Any], net: nn.Module) -> None:
    """Write a network and its description into an existing folder."""
    # Not safetensors' save_file, which makes a file that only its owner can read.
    (folder / WEIGHTS).write_bytes(to_bytes(tensors_of(net)))
    data = {"format": FORMAT, **description}
    (folder / DESCRIPTION).write_text(json.dumps(data, indent=2), encoding="utf-8")


def read_description(folder: Path, trust: Trust) -> dict[str, Any]:
    """Return the description, converted to the current format.

    Call it inside ``explaining``, which turns its errors into messages for the user.
    """
    path = trust.readable(folder / DESCRIPTION, LARGEST_DESCRIPTION)
    return _current(json.loads(path.read_text(encoding="utf-8")))


def read_weights(folder: Path, trust: Trust) -> dict[str, Tensor]:
    """Return the weights; call it inside ``explaining`` too."""
    return load_file(str(trust.readable(folder / WEIGHTS, LARGEST_WEIGHTS)))


@contextmanager
def explaining(folder: Path) -> Iterator[None]:
    """Explain errors that occur while the policy in ``folder`` is read or built.

    Raises:
        ValueError: If the block raises any error. It replaces the error.
    """
    try:
        yield
    except UntrustedError:
        raise
    except FileNotFoundError as error:
        missing = error.filename or folder / WEIGHTS  # safetensors names none
        raise ValueError(
            f"{folder} holds no policy: {missing} is missing; a run writes it with its "
            "first checkpoint"
        ) from error
    except UserModuleError as error:
        raise UserModuleError(
            f"the policy in {folder} needs the class with which it was trained: {error}"
        ) from error
    except ChangedMemoryError as error:
        raise ValueError(f"the policy in {folder} does not fit {error}") from error.__cause__
    except Exception as error:  # there is no end to what a damaged file can cause
        raise ValueError(
            f"the policy in {folder} is damaged ({describe(error)}): popgym train --resume "
            "writes it again from the run's last checkpoint"
        ) from error


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Return copies of all tensors of a network's ``state_dict``, ready to be written.

    Raises:
        ValueError: If the ``state_dict`` holds anything other than tensors.
    """
    state = net.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"the network's {name} is a {type(value).__name__} and not a tensor, and cannot be "
                "saved in a policy: keep it in a parameter or a buffer"
            )
    # Copies, because safetensors refuses tensors that share storage, such as tied weights.
    layout = torch.contiguous_format
    return {k: v.detach().cpu().clone(memory_format=layout) for k, v in state.items()}


def _current(data: dict[str, Any]) -> dict[str, Any]:
    """Return a description converted to the current format.

    Raises:
        ValueError: If its format is unknown.
    """
    written = data.pop("format")
    if written == 1:
        # Its unit of the time embedding was not the one used in training.
        del data["max_steps"]
        data |= _NEW_IN_3
        network = {**data["network"], **NETWORK_BEFORE_3}
        data["network"] = {**network, "embedding_max_steps": UNRECORDED_TIME_UNIT}
    elif written == 2:
        data = {**data, **_NEW_IN_3, "network": {**data["network"], **NETWORK_BEFORE_3}}
    elif written != FORMAT:
        raise ValueError(f"written by another version of popgym (format is not {FORMAT})")
    return data
