"""The Legendre memory unit as an RLlib custom model."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class LMU(BaseModel):
    """A Legendre memory unit; a hidden state [D] and a memory [memory_size].

    See ``popgym.memory.LMU``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": None,
        "theta": 64,  # length of the memory's window in steps
        "memory_size": None,  # number of coefficients of the window; None: hidden_size
        "learn_a": False,
        "learn_b": False,
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.LMU:
        """Build the memory."""
        names = ("theta", "memory_size", "learn_a", "learn_b")
        return memory.LMU(input_size, hidden_size, **{name: self.cfg[name] for name in names})
