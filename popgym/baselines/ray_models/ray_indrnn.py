"""The independently recurrent neural network as an RLlib custom model."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class IndRNN(BaseModel):
    """An independently recurrent network of two layers; state [layers, D].

    See ``popgym.memory.IndRNN``; arguments and errors as in ``BaseModel``. In POPGym 1 the default
    activation had the name "tanh" but was a ReLU. Here its name is "relu", and "tanh" is tanh.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "activation": "relu",  # or "tanh"
        "num_recurrent_layers": 2,
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.IndRNN:
        """Build the memory."""
        return memory.IndRNN(
            input_size,
            hidden_size,
            activation=self.cfg["activation"],
            num_layers=self.cfg["num_recurrent_layers"],
        )
