"""RLlib in one process, without a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
import torch
from ray.rllib.core.learner.torch import torch_learner

_lock = threading.Lock()
_inside = threading.local()  # .depth: how many contexts this thread is in
_contexts = 0  # of all threads
_put: Any = None  # Ray's own
_get_device: Any = None  # RLlib's own


@contextmanager
def without_cluster() -> Iterator[None]:
    """Keep RLlib from starting a cluster (seconds, half a dozen processes) without need.

    RLlib passes its configuration and its weights through Ray's object store, also when sender
    and receiver are in this process, and asks Ray which GPU is its own; either starts a cluster. It
    does so in the middle of constructors, where no method can be overridden. So meanwhile
    ``ray.put`` returns the value itself and the device follows from the configuration, and only in
    this thread: others may have a cluster, or be in here too.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _contexts, _put, _get_device
    with _lock:
        if not _contexts:
            _put, _get_device = ray.put, torch_learner.get_device
            ray.put, torch_learner.get_device = _put_or_keep, _find_device
        _contexts += 1
    _inside.depth = _depth() + 1


def _leave() -> None:
    global _contexts
    _inside.depth -= 1
    with _lock:
        _contexts -= 1
        if not _contexts:
            ray.put, torch_learner.get_device = _put, _get_device


def _depth() -> int:
    return getattr(_inside, "depth", 0)


def _put_or_keep(value: Any, *args: Any, **kwargs: Any) -> Any:
    return value if _depth() else _put(value, *args, **kwargs)


def _find_device(config: Any, num_gpus: float = 1) -> torch.device:
    return device_of(config, num_gpus) if _depth() else _get_device(config, num_gpus)


def device_of(config: Any, num_gpus: float) -> torch.device:
    """Return the learner's device as the configuration says, without asking Ray."""
    return torch.device("cuda", config.local_gpu_idx) if num_gpus > 0 else torch.device("cpu")
