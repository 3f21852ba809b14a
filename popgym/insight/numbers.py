"""Numbers as data for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DIGITS = 6


def for_json(data: Any) -> Any:
    """Return nested data with plain numbers of six digits; what is not finite becomes None."""
    if isinstance(data, np.ndarray):
        data = data.tolist()
    if isinstance(data, np.generic):
        data = data.item()
    if isinstance(data, dict):
        return {str(key): for_json(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [for_json(value) for value in data]
    if isinstance(data, float):
        return float(f"{data:.{DIGITS}g}") if math.isfinite(data) else None
    return data
