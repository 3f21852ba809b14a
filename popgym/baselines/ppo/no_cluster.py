"""RLlib in one process, without a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

_lock = threading.Lock()
_inside = threading.local()  # .depth: how many contexts this thread is in
_contexts = 0  # of all threads
_put: Any = None  # Ray's own


@contextmanager
def without_cluster() -> Iterator[None]:
    """Keep RLlib from starting a cluster (seconds, half a dozen processes) without need.

    RLlib passes its configuration and its weights through Ray's object store, also when sender
    and receiver are in this process, and the first ``ray.put`` starts a cluster. It does so in
    the middle of constructors, where no method can be overridden. So ``ray.put`` returns the
    value itself meanwhile, and only in this thread: others may have a cluster, or be in here too.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _contexts, _put
    with _lock:
        if not _contexts:
            _put, ray.put = ray.put, _put_or_keep
        _contexts += 1
    _inside.depth = getattr(_inside, "depth", 0) + 1


def _leave() -> None:
    global _contexts
    _inside.depth -= 1
    with _lock:
        _contexts -= 1
        if not _contexts:
            ray.put = _put


def _put_or_keep(value: Any, *args: Any, **kwargs: Any) -> Any:
    return value if getattr(_inside, "depth", 0) else _put(value, *args, **kwargs)
