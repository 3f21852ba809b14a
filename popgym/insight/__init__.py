"""Inspection of trained agents: do they remember, how far back, and what is that worth?

``inspection.py`` (``inspect``) plays recorded episodes and measures the parts: the counterfactual
effect of the past (``effect.py``), what the memory is worth in return (``worth.py``), what its
state holds (``probes.py``), gradients (``saliency.py``) and what the memory could see
(``reach.py``). docs/inspect.md explains the methods.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgym.insight.inspection import Inspection, inspect

__all__ = ["Inspection", "inspect"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("popgym.insight.inspection"), name)
