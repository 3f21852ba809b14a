"""Configuration of glibc's allocator for the training process."""

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX in malloc.h
_MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory instead of returning it to the operating system.

    By default glibc maps new memory for every large tensor, and the system has to clear each of
    its pages. That takes a sixth of the time of a training run. The cost of keeping the memory is
    that the process stays as large as its largest use so far.

    Returns:
        Whether the setting was applied. It is not applied if the C library is not glibc, or if
        environment variables (``MALLOC_...``, ``GLIBC_TUNABLES``) configure the allocator.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (
        AttributeError,
        OSError,
        TypeError,
    ):  # in this order: musl or macOS, no library to load, Windows
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _MOST))
