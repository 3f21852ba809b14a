"""The gated recurrent unit as an RLlib custom model."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class GRU(BaseModel):
    """A gated recurrent unit; one state [D] a layer.

    See ``popgym.memory.GRU``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "num_recurrent_layers": 1,
        "benchmark": False,  # accepted for configurations of old, without effect
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.GRU:
        """The unit."""
        return memory.GRU(input_size, hidden_size, num_layers=self.cfg["num_recurrent_layers"])

    def initial_state(self) -> list[Tensor]:
        """A state [D] for each layer."""
        (hidden,) = super().initial_state()  # [layers · D]
        return list(hidden.chunk(self.cfg["num_recurrent_layers"]))

    def forward_memory(
        self, z: Tensor, state: list[Tensor], t_starts: Tensor, seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Joins the layers' states [B, D], as the memory keeps them, and parts them again."""
        y, (hidden,) = super().forward_memory(z, [torch.cat(state, -1)], t_starts, seq_lens)
        return y, list(hidden.chunk(len(state), -1))
