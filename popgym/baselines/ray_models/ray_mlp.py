"""Networks without memory as RLlib custom models, for comparison."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class MLP(BaseModel):
    """Two layers on each step alone, with a time embedding; no state except the step count.

    See ``popgym.memory.MLP``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {"embedding": "sine"}

    def build_core(self, input_size: int, hidden_size: int) -> memory.MLP:
        """Build the two layers."""
        return memory.MLP(input_size, hidden_size)


class BasicMLP(MLP):
    """``MLP`` without the time embedding."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {"embedding": None}
