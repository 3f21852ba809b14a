"""The diagonal state space model as an RLlib custom model."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class S4D(BaseModel):
    """A diagonal state space model for each feature; states [D, N], real and imaginary parts.

    See ``popgym.memory.S4D``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {"embedding": None}

    def build_core(self, input_size: int, hidden_size: int) -> memory.S4D:
        """Build the memory."""
        return memory.S4D(input_size, hidden_size)
