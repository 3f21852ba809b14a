"""Fast weights as RLlib custom models."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class FastWeightProgrammer(BaseModel):
    """One block of fast weights; state [1, K, K], K = round(√D).

    See ``popgym.memory.FastWeightProgrammer``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": "sine",
        "aggregator": "sum",  # or "max"; the paper's is the sum
        "sum_normalization": True,  # of keys and queries
    }

    def build_core(self, input_size: int, hidden_size: int) -> memory.FastWeightProgrammer:
        """The block."""
        names = ("aggregator", "sum_normalization")
        options = {name: self.cfg[name] for name in names}
        layers = self.cfg.get("num_layers", 1)
        return memory.FastWeightProgrammer(input_size, hidden_size, num_layers=layers, **options)


class DeepFastWeightProgrammer(FastWeightProgrammer):
    """Several blocks; state [L, K, K], K = round(√(D / L)), L = ``num_layers``."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": None,
        "num_layers": 4,
    }
