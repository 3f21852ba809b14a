"""Keeping freed memory in the process that trains."""

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of malloc.h
_MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have glibc reuse what was freed instead of handing it back to the system.

    It maps every large tensor anew otherwise, and the system clears its pages one by one: a sixth
    of the time of a training run. The price is that the process keeps the most it ever used.

    Returns:
        Whether it was done: not where another C library allocates, and not where the environment
        says how to (``MALLOC_...``, ``GLIBC_TUNABLES``).
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS, nothing to load, Windows
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _MOST))
