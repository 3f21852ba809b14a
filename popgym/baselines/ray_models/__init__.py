"""RLlib custom models (ModelV2), for RLlib's old API stack: one memory a file."""

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.ray_models.ray_frameconv import Frameconv
from popgym.baselines.ray_models.ray_gru import GRU
from popgym.baselines.ray_models.ray_mlp import MLP, BasicMLP

__all__ = ["GRU", "MLP", "BaseModel", "BasicMLP", "Frameconv"]
