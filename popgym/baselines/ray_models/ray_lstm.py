"""Long short-term memory as an RLlib custom model."""

from popgym import memory
from popgym.baselines.ray_models.layered import LayeredModel


class LSTM(LayeredModel):
    """Long short-term memory; a hidden state [D] for each layer, then a cell state [D] for each.

    See ``popgym.memory.LSTM``; arguments and errors as in ``BaseModel``.
    """

    def build_core(self, input_size: int, hidden_size: int) -> memory.LSTM:
        """Build the memory."""
        return memory.LSTM(input_size, hidden_size, num_layers=self.cfg["num_recurrent_layers"])
