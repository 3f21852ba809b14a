"""The gated recurrent unit as an RLlib custom model."""

from popgym import memory
from popgym.baselines.ray_models.layered import LayeredModel


class GRU(LayeredModel):
    """A gated recurrent unit; one state [D] for each layer.

    See ``popgym.memory.GRU``; arguments and errors as in ``BaseModel``.
    """

    def build_core(self, input_size: int, hidden_size: int) -> memory.GRU:
        """Build the memory."""
        return memory.GRU(input_size, hidden_size, num_layers=self.cfg["num_recurrent_layers"])
