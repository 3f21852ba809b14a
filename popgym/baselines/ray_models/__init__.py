"""RLlib custom models (ModelV2), for RLlib's old API stack: one memory a file."""

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.ray_models.ray_elman import Elman
from popgym.baselines.ray_models.ray_frameconv import Frameconv
from popgym.baselines.ray_models.ray_framestack import Framestack
from popgym.baselines.ray_models.ray_gru import GRU
from popgym.baselines.ray_models.ray_indrnn import IndRNN
from popgym.baselines.ray_models.ray_lmu import LMU
from popgym.baselines.ray_models.ray_lstm import LSTM
from popgym.baselines.ray_models.ray_mlp import MLP, BasicMLP

__all__ = [
    "GRU",
    "LMU",
    "LSTM",
    "MLP",
    "BaseModel",
    "BasicMLP",
    "Elman",
    "Frameconv",
    "Framestack",
    "IndRNN",
]
