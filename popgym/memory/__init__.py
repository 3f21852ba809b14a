"""Memories: sequence models that take a state and return the next one, one in each file.

All of them use these symbols for axes and sizes:

==== ==================================================
B    rows of the batch
T    time steps
F    input features
D    output features (``hidden_size``)
W    window, in steps
N    state size
K, V key and value size
==== ==================================================

Where values of two steps meet, names say which step they belong to: ``h_t`` is of step t,
``h_tm1`` of step t − 1.
"""

from importlib import import_module
from typing import Any

from popgym.memory.base import Memory, MemoryState, Source
from popgym.memory.models.delta_net import DeltaNet, DeltaNetState
from popgym.memory.models.diffnc import DiffNC, DiffNCState
from popgym.memory.models.elman import Elman, ElmanState
from popgym.memory.models.ffm import FFM, FFMState
from popgym.memory.models.frameconv import TemporalConv, TemporalConvState
from popgym.memory.models.framestack import Framestack, FramestackState
from popgym.memory.models.fwp import (
    DeepFastWeightProgrammer,
    FastWeightProgrammer,
    FastWeightState,
)
from popgym.memory.models.gated_delta_net import GatedDeltaNet, GatedDeltaNetState
from popgym.memory.models.gru import GRU, GRUState
from popgym.memory.models.gtrxl import GTrXL, GTrXLState
from popgym.memory.models.indrnn import IndRNN, IndRNNState
from popgym.memory.models.linear_attention import (
    DeepLinearAttention,
    LinearAttention,
    LinearAttentionState,
)
from popgym.memory.models.lmu import LMU, LMUState
from popgym.memory.models.lru import LRU, LRUState
from popgym.memory.models.lstm import LSTM, LSTMState
from popgym.memory.models.mamba import Mamba, MambaState
from popgym.memory.models.mingru import MinGRU, MinGRUState
from popgym.memory.models.minlstm import MinLSTM, MinLSTMState
from popgym.memory.models.mlp import MLP, MLPState
from popgym.memory.models.mlstm import MLSTM, MLSTMState
from popgym.memory.models.parallel_lmu import ParallelLMU, ParallelLMUState
from popgym.memory.models.s4d import S4D, S4DState
from popgym.memory.models.s5 import S5, S5State
from popgym.memory.models.shm import SHM, SHMState
from popgym.memory.models.slstm import SLSTM, SLSTMState
from popgym.memory.models.tcn import TCN, TCNState
from popgym.memory.models.xlstm import XLSTM, XLSTMState
from popgym.memory.ops.linear import Linear, linear
from popgym.memory.ops.padding import forward_padded
from popgym.memory.registry import MEMORIES, find_memory, make_memory, memory_options
from popgym.memory.stack import Layers

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
    "Source",
    "TCNState",
    "TemporalConv",
    "TemporalConvState",
    "XLSTMState",
    "find_memory",
    "forward_padded",
    "linear",
    "make_memory",
    "memory_options",
]


# These names have moved to popgym.networks. They can still be imported from here. This happens on
# demand, because popgym.networks imports popgym.memory.
_NETWORKS = ("ActorCritic", "ActorCriticState", "PolicyNetwork", "NetworkOptions", "make_embedding")


def __getattr__(name: str) -> Any:
    if name not in _NETWORKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("popgym.networks"), name)
