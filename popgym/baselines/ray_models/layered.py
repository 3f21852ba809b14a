"""The base class of RLlib custom models with several recurrent layers."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.ray_models.call_checks import check_count


class LayeredModel(BaseModel):
    """A custom model whose memory concatenates the states of its layers, [B, layers · D].

    RLlib gets a separate state [D] for each layer: first those of the memory's first field, then
    those of the second.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "num_recurrent_layers": 1,
        "benchmark": False,  # without effect; accepted so that older configurations still work
    }

    def initial_state(self) -> list[Tensor]:
        """Return a state [D] for each field and layer."""
        return self._part(super().initial_state())

    def forward_memory(
        self, z: Tensor, state: list[Tensor], t_starts: Tensor, seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Concatenate the layers' states [B, D], run the memory, and split the states again."""
        layers = self.cfg["num_recurrent_layers"]
        check_count(state, layers * len(self._core().initial_state(0)), self)
        fields = [torch.cat(state[i : i + layers], -1) for i in range(0, len(state), layers)]
        y, after = super().forward_memory(z, fields, t_starts, seq_lens)
        return y, self._part(after)

    def _part(self, fields: list[Tensor]) -> list[Tensor]:
        layers = self.cfg["num_recurrent_layers"]
        return [layer for field in fields for layer in field.chunk(layers, -1)]
