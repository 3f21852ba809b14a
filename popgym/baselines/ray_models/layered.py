"""Stacks of recurrent layers as RLlib custom models: a state for each layer."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.ray_models.call_checks import check_count


class LayeredModel(BaseModel):
    """A memory that keeps its layers side by side, in fields [B, layers · D].

    RLlib sees a state [D] for each layer, first all of the first field.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "num_recurrent_layers": 1,
        "benchmark": False,  # accepted for configurations of old, without effect
    }

    def initial_state(self) -> list[Tensor]:
        """A state [D] for each layer and field."""
        return self._part(super().initial_state())

    def forward_memory(
        self, z: Tensor, state: list[Tensor], t_starts: Tensor, seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Joins the layers' states [B, D], as the memory keeps them, and parts them again."""
        layers = self.cfg["num_recurrent_layers"]
        check_count(state, layers * len(self._core().initial_state(0)), self)
        fields = [torch.cat(state[i : i + layers], -1) for i in range(0, len(state), layers)]
        y, after = super().forward_memory(z, fields, t_starts, seq_lens)
        return y, self._part(after)

    def _part(self, fields: list[Tensor]) -> list[Tensor]:
        layers = self.cfg["num_recurrent_layers"]
        return [layer for field in fields for layer in field.chunk(layers, -1)]
