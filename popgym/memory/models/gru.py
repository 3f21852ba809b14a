"""The gated recurrent unit.

    r = σ(W_ir xₜ + b_ir + W_hr hₜ₋₁ + b_hr)
    z = σ(W_iz xₜ + b_iz + W_hz hₜ₋₁ + b_hz)
    n = tanh(W_in xₜ + b_in + r ⊙ (W_hn hₜ₋₁ + b_hn))
    hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁

Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine
Translation" (2014), https://arxiv.org/abs/1406.1078, in the parameterisation of ``torch.nn.GRU``
(the reset gate acts after the product with W_hn), whose weights are exchangeable with these.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from popgym.memory.models.gru_cell import GRUCell
from popgym.memory.rnn.torch_layers import TorchLayers


class GRUState(NamedTuple):
    """The hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class GRU(TorchLayers):
    """A gated recurrent unit, one or several layers.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical "
        "Machine Translation, 2014, https://arxiv.org/abs/1406.1078"
    )
    network = nn.GRU
    cell = GRUCell()
    state_type = GRUState
