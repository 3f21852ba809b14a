"""The differentiable neural computer as an RLlib custom model."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class DiffNC(BaseModel):
    """A differentiable neural computer with ``hidden_size // cell_size`` cells.

    Its nine states are the fields of ``popgym.memory.DiffNCState``. See ``popgym.memory.DiffNC``;
    arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "num_hidden_layers": 1,  # of the controller
        "num_layers": 1,  # stacked computers
        "read_heads": 4,
        "cell_size": 16,
        "nonlinearity": "tanh",  # or "relu", of the controller
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.DiffNC:
        """Build the memory."""
        names = ("num_hidden_layers", "num_layers", "read_heads", "cell_size", "nonlinearity")
        options = {name: self.cfg[name] for name in names}
        return memory.DiffNC(input_size, hidden_size, **options)
