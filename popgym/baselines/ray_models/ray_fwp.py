"""Fast weights as RLlib custom models."""

from typing import Any, ClassVar

from popgym import memory
from popgym.baselines.ray_models.base_model import BaseModel


class FastWeightProgrammer(BaseModel):
    """One block of fast weights; state [1, K, K], K = round(√D).

    See ``popgym.memory.FastWeightProgrammer`` and, for ``update_rule="delta"``,
    ``popgym.memory.DeltaNet``; arguments and errors as in ``BaseModel``.
    """

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": "sine",
        "aggregator": "sum",  # or "max"; the paper uses the sum
        "sum_normalization": True,  # whether to normalise keys and queries
        "update_rule": "sum",  # or "delta", which corrects the stored values
    }

    def build_core(
        self, input_size: int, hidden_size: int
    ) -> memory.FastWeightProgrammer | memory.DeltaNet:
        """Build the memory."""
        options = {name: self.cfg[name] for name in ("aggregator", "sum_normalization")}
        layers = self.cfg.get("num_layers", 1)
        self._check_rule(options)
        if self.cfg["update_rule"] == "delta":
            return memory.DeltaNet(input_size, hidden_size, layers)
        return memory.FastWeightProgrammer(input_size, hidden_size, num_layers=layers, **options)

    def _check_rule(self, options: dict[str, Any]) -> None:
        rule = self.cfg["update_rule"]
        if rule not in ("sum", "delta"):
            raise ValueError(f'update_rule must be "sum" or "delta", got {rule!r}')
        if rule == "delta" and options != {"aggregator": "sum", "sum_normalization": True}:
            raise ValueError(
                'update_rule "delta" takes aggregator "sum" and sum_normalization True, '
                f'got {options}: leave out these options, or use update_rule "sum"'
            )


class DeepFastWeightProgrammer(FastWeightProgrammer):
    """Several blocks; state [L, K, K], K = round(√(D / L)), L = ``num_layers``."""

    MODEL_CONFIG: ClassVar[dict[str, Any]] = {
        "embedding": None,
        "num_layers": 4,
    }
