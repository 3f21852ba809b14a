"""The temporal convolution as an RLlib custom model."""

from typing import Any, ClassVar

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.memory import TemporalConv


class Frameconv(BaseModel):
    """One convolution over the last ``stack_size`` steps; state [stack_size − 1, F].

    See ``popgym.memory.TemporalConv``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "stack_size": 4,  # receptive field in steps, including the current one; at least 1
        "embedding": "sine",
    }

    def build_core(self, input_size: int, hidden_size: int) -> TemporalConv:
        """Build the memory."""
        return TemporalConv(input_size, hidden_size, stack_size=self.cfg["stack_size"])
