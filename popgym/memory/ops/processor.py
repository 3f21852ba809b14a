"""What torch tells of the processor."""

import functools
from typing import Any

import torch


@functools.cache
def capabilities() -> dict[str, Any]:
    """Return the processor's properties, such as "architecture" and "cpu_name".

    It is empty with versions of torch that do not tell them.
    """
    find = getattr(torch.cpu, "get_capabilities", None)
    return {} if find is None else dict(find())


def is_intel() -> bool:
    """Return whether the processor is one of Intel; False if it is unknown."""
    return "intel" in str(capabilities().get("cpu_name", "")).lower()
