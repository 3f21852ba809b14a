"""Linear attention as RLlib custom models."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class LinearAttention(BaseModel):
    """One block of linear attention; states [1, K, K] and [1, K], K = round(√D − 1).

    See ``popgym.memory.LinearAttention``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": "sine",
        "S_aggregator": "sum",  # of the numerator; or "max"; the paper uses the sum
        "Z_aggregator": "sum",  # of the denominator; likewise
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.LinearAttention:
        """Build the memory."""
        names = ("S_aggregator", "Z_aggregator")
        options = {name: self.cfg[name] for name in names}
        layers = self.cfg.get("num_layers", 1)
        return memory.LinearAttention(input_size, hidden_size, num_layers=layers, **options)


class DeepLinearAttention(LinearAttention):
    """Several blocks; states [L, K, K] and [L, K], K = round(√(D / L) − 1), L = ``num_layers``."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": None,
        "num_layers": 4,
    }
