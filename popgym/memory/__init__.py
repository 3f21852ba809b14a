"""Memories: sequence models with their state in the signature, one a file.

One glossary for all of them:

==== ==================================================
B    batch rows
T    time steps
F    input features
D    output features (``hidden_size``)
W    window, the inputs that a convolution sees
N    state size
K, V key and value size
==== ==================================================

Time in a name where two instants meet: ``h_t``, ``h_tm1``.
"""

from popgym.memory.actor_critic import ActorCritic, ActorCriticState
from popgym.memory.base import Memory, MemoryState
from popgym.memory.delta_net import DeltaNet, DeltaNetState
from popgym.memory.diffnc import DiffNC, DiffNCState
from popgym.memory.elman import Elman, ElmanState
from popgym.memory.embedding import make_embedding
from popgym.memory.fast_weights import (
    DeepFastWeightProgrammer,
    FastWeightProgrammer,
    FastWeightState,
)
from popgym.memory.ffm import FFM, FFMState
from popgym.memory.framestack import Framestack, FramestackState
from popgym.memory.gated_delta_net import GatedDeltaNet, GatedDeltaNetState
from popgym.memory.gru import GRU, GRUState
from popgym.memory.gtrxl import GTrXL, GTrXLState
from popgym.memory.indrnn import IndRNN, IndRNNState
from popgym.memory.layers import Layers
from popgym.memory.linear import Linear, linear
from popgym.memory.linear_attention import (
    DeepLinearAttention,
    LinearAttention,
    LinearAttentionState,
)
from popgym.memory.lmu import LMU, LMUState
from popgym.memory.lru import LRU, LRUState
from popgym.memory.lstm import LSTM, LSTMState
from popgym.memory.mamba import Mamba, MambaState
from popgym.memory.min_gru import MinGRU, MinGRUState
from popgym.memory.min_lstm import MinLSTM, MinLSTMState
from popgym.memory.mlp import MLP, MLPState
from popgym.memory.mlstm import MLSTM, MLSTMState
from popgym.memory.padding import forward_padded
from popgym.memory.parallel_lmu import ParallelLMU, ParallelLMUState
from popgym.memory.registry import MEMORIES, find_memory, make_memory, memory_options
from popgym.memory.s4d import S4D, S4DState
from popgym.memory.s5 import S5, S5State
from popgym.memory.shm import SHM, SHMState
from popgym.memory.slstm import SLSTM, SLSTMState
from popgym.memory.tcn import TCN, TCNState
from popgym.memory.temporal_conv import TemporalConv, TemporalConvState
from popgym.memory.wiring import Wiring, WiringOptions
from popgym.memory.xlstm import XLSTM, XLSTMState

__all__ = [
    "FFM",
    "GRU",
    "LMU",
    "LRU",
    "LSTM",
    "MEMORIES",
    "MLP",
    "MLSTM",
    "S4D",
    "S5",
    "SHM",
    "SLSTM",
    "TCN",
    "XLSTM",
    "ActorCritic",
    "ActorCriticState",
    "DeepFastWeightProgrammer",
    "DeepLinearAttention",
    "DeltaNet",
    "DeltaNetState",
    "DiffNC",
    "DiffNCState",
    "Elman",
    "ElmanState",
    "FFMState",
    "FastWeightProgrammer",
    "FastWeightState",
    "Framestack",
    "FramestackState",
    "GRUState",
    "GTrXL",
    "GTrXLState",
    "GatedDeltaNet",
    "GatedDeltaNetState",
    "IndRNN",
    "IndRNNState",
    "LMUState",
    "LRUState",
    "LSTMState",
    "Layers",
    "Linear",
    "LinearAttention",
    "LinearAttentionState",
    "MLPState",
    "MLSTMState",
    "Mamba",
    "MambaState",
    "Memory",
    "MemoryState",
    "MinGRU",
    "MinGRUState",
    "MinLSTM",
    "MinLSTMState",
    "ParallelLMU",
    "ParallelLMUState",
    "S4DState",
    "S5State",
    "SHMState",
    "SLSTMState",
    "TCNState",
    "TemporalConv",
    "TemporalConvState",
    "Wiring",
    "WiringOptions",
    "XLSTMState",
    "find_memory",
    "forward_padded",
    "linear",
    "make_embedding",
    "make_memory",
    "memory_options",
]
