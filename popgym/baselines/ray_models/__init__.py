"""RLlib custom models (ModelV2) for RLlib's old API stack.

Here belong the base model, which translates between RLlib and a memory, and one file for each
memory with its options. It may import Ray, ``popgym.memory``, ``popgym.networks`` and
``popgym.core.arguments``.
"""

from popgym.baselines.ray_models.base_model import BaseModel
from popgym.baselines.ray_models.ray_diffnc import DiffNC
from popgym.baselines.ray_models.ray_elman import Elman
from popgym.baselines.ray_models.ray_frameconv import Frameconv
from popgym.baselines.ray_models.ray_framestack import Framestack
from popgym.baselines.ray_models.ray_fwp import DeepFastWeightProgrammer, FastWeightProgrammer
from popgym.baselines.ray_models.ray_gru import GRU
from popgym.baselines.ray_models.ray_indrnn import IndRNN
from popgym.baselines.ray_models.ray_linear_attention import DeepLinearAttention, LinearAttention
from popgym.baselines.ray_models.ray_lmu import LMU
from popgym.baselines.ray_models.ray_lstm import LSTM
from popgym.baselines.ray_models.ray_mlp import MLP, BasicMLP
from popgym.baselines.ray_models.ray_s4d import S4D

__all__ = [
    "GRU",
    "LMU",
    "LSTM",
    "MLP",
    "S4D",
    "BaseModel",
    "BasicMLP",
    "DeepFastWeightProgrammer",
    "DeepLinearAttention",
    "DiffNC",
    "Elman",
    "FastWeightProgrammer",
    "Frameconv",
    "Framestack",
    "IndRNN",
    "LinearAttention",
]
