"""Elman's simple recurrent network as an RLlib custom model."""

from popgym import memory
from popgym.baselines.ray_models.layered import LayeredModel


class Elman(LayeredModel):
    """A simple recurrent network; one state [D] for each layer.

    See ``popgym.memory.Elman``; arguments and errors as in ``BaseModel``.
    """

    def build_core(self, input_size: int, hidden_size: int) -> memory.Elman:
        """Build the memory."""
        return memory.Elman(input_size, hidden_size, num_layers=self.cfg["num_recurrent_layers"])
