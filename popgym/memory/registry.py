"""All memories by name, and ``make_memory``."""

import inspect
from functools import partial
from typing import Any

from popgym.core.arguments import did_you_mean
from popgym.importing import UserModuleError, import_user_module
from popgym.memory.base import Memory
from popgym.memory.models.delta_net import DeltaNet
from popgym.memory.models.diffnc import DiffNC
from popgym.memory.models.elman import Elman
from popgym.memory.models.ffm import FFM
from popgym.memory.models.frameconv import TemporalConv
from popgym.memory.models.framestack import Framestack
from popgym.memory.models.fwp import DeepFastWeightProgrammer, FastWeightProgrammer
from popgym.memory.models.gated_delta_net import GatedDeltaNet
from popgym.memory.models.gru import GRU
from popgym.memory.models.gtrxl import GTrXL
from popgym.memory.models.indrnn import IndRNN
from popgym.memory.models.linear_attention import DeepLinearAttention, LinearAttention
from popgym.memory.models.lmu import LMU
from popgym.memory.models.lru import LRU
from popgym.memory.models.lstm import LSTM
from popgym.memory.models.mamba import Mamba
from popgym.memory.models.mingru import MinGRU
from popgym.memory.models.minlstm import MinLSTM
from popgym.memory.models.mlp import MLP
from popgym.memory.models.mlstm import MLSTM
from popgym.memory.models.parallel_lmu import ParallelLMU
from popgym.memory.models.s4d import S4D
from popgym.memory.models.s5 import S5
from popgym.memory.models.shm import SHM
from popgym.memory.models.slstm import SLSTM
from popgym.memory.models.tcn import TCN
from popgym.memory.models.xlstm import XLSTM
from popgym.memory.stack import LAYER_OPTIONS, Layers, check_layer_options

MEMORIES: dict[str, type[Memory]] = {
    "deep_fwp": DeepFastWeightProgrammer,
    "deep_linear_attention": DeepLinearAttention,
    "delta_net": DeltaNet,
    "diffnc": DiffNC,
    "elman": Elman,
    "ffm": FFM,
    "frameconv": TemporalConv,
    "framestack": Framestack,
    "fwp": FastWeightProgrammer,
    "gated_delta_net": GatedDeltaNet,
    "gru": GRU,
    "gtrxl": GTrXL,
    "indrnn": IndRNN,
    "linear_attention": LinearAttention,
    "lmu": LMU,
    "lru": LRU,
    "lstm": LSTM,
    "mamba": Mamba,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
    "mlp": MLP,
    "mlstm": MLSTM,
    "parallel_lmu": ParallelLMU,
    "s4d": S4D,
    "s5": S5,
    "shm": SHM,
    "slstm": SLSTM,
    "tcn": TCN,
    "xlstm": XLSTM,
}
"""Every memory of popgym, under its name for ``make_memory`` and the command line."""


def make_memory(name: str, input_size: int, hidden_size: int, **options: Any) -> Memory:
    """Build a memory by name.

    Args:
        name: A key of ``MEMORIES``, or ``"module:Class"`` for your own memory.
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        **options: Options of the memory, for example ``stack_size=8``, and those of ``Layers``:
            ``num_layers``, ``residual`` and ``feed_forward``. A memory with its own option
            ``num_layers`` builds its layers itself. With ``residual=True``, ``Layers`` builds them
            instead, and each residual block contains a memory of one layer.

    Returns:
        The memory, or ``Layers`` of it if an option of ``Layers`` is used.

    Raises:
        ValueError: If there is no such memory, module, class or option.
        TypeError: If the class is not a ``Memory``, or if an option has the wrong type.
    """
    memory = find_memory(name)
    allowed = memory_options(memory)
    for option in options:
        if allowed is not None and option not in allowed:
            raise ValueError(
                f"memory {name!r} has no option {option!r}{did_you_mean(option, allowed)}; "
                f"it has {', '.join(allowed) or 'no options'}"
            )
    if allowed is None:
        return memory(input_size, hidden_size, **options)
    return _build(memory, input_size, hidden_size, options)


def _build(
    memory: type[Memory], input_size: int, hidden_size: int, options: dict[str, Any]
) -> Memory:
    own = own_options(memory) or {}
    of_layers = {key: options.pop(key) for key in LAYER_OPTIONS.keys() - own if key in options}
    if "num_layers" in own and of_layers.get("residual"):
        of_layers["num_layers"] = options.pop("num_layers", own["num_layers"])
        options["num_layers"] = 1
    check_layer_options(**of_layers)
    if {**LAYER_OPTIONS, **of_layers} == LAYER_OPTIONS:
        return memory(input_size, hidden_size, **options)
    return Layers(partial(memory, **options), input_size, hidden_size, **of_layers)


def find_memory(name: str) -> type[Memory]:
    """Return the class of a memory.

    Args:
        name: A key of ``MEMORIES`` or ``"module:Class"``.

    Raises:
        ValueError: If there is no such memory, or if ``name`` is not of the form "module:Class".
        UserModuleError: If the module cannot be imported or has no such class. It is a subclass of
            ValueError.
        TypeError: If ``name`` is not a string, or if the class is not a ``Memory``.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a memory must be a string, got {name!r}")
    if name in MEMORIES:
        return MEMORIES[name]
    if ":" not in name:
        raise ValueError(
            f"no memory is called {name!r}{did_you_mean(name, MEMORIES)}; allowed: "
            f"{', '.join(MEMORIES)}, or 'module:Class' for your own"
        )
    found = _import(name)
    if not (isinstance(found, type) and issubclass(found, Memory)):
        raise TypeError(f"memory {name!r} must be a subclass of popgym.memory.Memory")
    return found


def _import(name: str) -> Any:
    module_name, _, class_name = name.partition(":")
    if not class_name.isidentifier() or not all(map(str.isidentifier, module_name.split("."))):
        raise ValueError(
            f"memory {name!r} must be 'module:Class', for example 'my_package.memory:Mine'"
        )
    module = import_user_module(f"memory {name!r}", module_name)
    if not hasattr(module, class_name):
        nearest = did_you_mean(class_name, vars(module))
        raise UserModuleError(f"memory {name!r}: {module_name} has no {class_name!r}{nearest}")
    return getattr(module, class_name)


def memory_options(memory: type[Memory]) -> dict[str, Any] | None:
    """Return the options that ``make_memory`` takes for a memory, with their defaults.

    Args:
        memory: Class of the memory.

    Returns:
        Option → default: first the options of the class, then those of ``Layers``. An option
        without a default has ``inspect.Parameter.empty``. None if the class takes any option
        (``**kwargs``); ``make_memory`` then passes all options to it.
    """
    own = own_options(memory)
    return None if own is None else own | {**LAYER_OPTIONS, **own}


def own_options(memory: type[Memory]) -> dict[str, Any] | None:
    """Return only the options of a memory's class; see :func:`memory_options`."""
    parameters = list(inspect.signature(memory).parameters.values())
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    sizes = ("input_size", "hidden_size")
    return {p.name: p.default for p in parameters if p.name not in sizes}
