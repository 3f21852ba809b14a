"""Laws about the module: interface, batch rows, arguments, parameters and copies."""

import copy
import io
import pickle
from typing import Any

import torch
from torch import Tensor

from popgym.memory import Memory
from popgym.testing.laws import LawBroken, require
from popgym.testing.memory_laws.trial import (
    ROWS,
    SINGLE_STEPS,
    STEPS,
    MakeMemory,
    Trial,
    fill,
    gradients_of,
    loss,
    make_trial,
    map_state,
    require_same,
)


def interface(make: MakeMemory) -> None:
    """Check types, shapes, dtypes and attributes, also for a single row and a single step."""
    memory = make()
    is_memory = isinstance(memory, Memory)
    require("interface", is_memory, f"make() must return a Memory, got a {type(memory).__name__}")
    for dtype in (torch.float32, torch.float64):
        memory = memory.to(dtype).eval()
        for rows, steps in ((ROWS, STEPS), (1, STEPS), (ROWS, 1), (1, 1)):
            state = memory.initial_state(rows)
            _require_initial(state, rows, dtype)
            x = torch.randn(rows, steps, memory.input_size, dtype=dtype)
            for start in (None, torch.rand(rows, steps) < 0.1):
                _require_result(memory, memory(x, state, start), x, state)
    size = sum(field.numel() for field in memory.initial_state(1))
    message = f"state_numel must be {size}, the size of one row's state, got {memory.state_numel}"
    require("interface", memory.state_numel == size, message)


def _require_initial(state: Any, rows: int, dtype: torch.dtype) -> None:
    named = isinstance(state, tuple) and hasattr(state, "_fields")
    kind = type(state).__name__
    require("interface", named, f"initial_state must return a NamedTuple of tensors, got a {kind}")
    for name, field in zip(state._fields, state, strict=True):
        if not isinstance(field, Tensor):
            raise LawBroken("interface", f"state.{name} must be a tensor, got {field!r}")
        batched = field.dim() > 0 and field.shape[0] == rows
        message = f"state.{name} must be [B, ...] with B = {rows}, got {list(field.shape)}"
        require("interface", batched, message)
        fits = field.dtype == dtype or not field.is_floating_point()
        message = (
            f"state.{name} must be {dtype} like the parameters, got {field.dtype}: make it with "
            "new_zeros of a parameter"
        )
        require("interface", fits, message)
        require("interface", not field.any(), f"state.{name} must be zero in the initial state")


def _require_result(memory: Memory, result: Any, x: Tensor, state: Any) -> None:
    pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], Tensor)
    require("interface", pair, "forward must return (y, state)")
    y, after = result
    shape = [x.shape[0], x.shape[1], memory.output_size]
    message = f"y must be [B, T, D] = {shape}, got {list(y.shape)}"
    require("interface", list(y.shape) == shape, message)
    require("interface", y.dtype == x.dtype, f"y must be {x.dtype}, got {y.dtype}")
    message = (
        f"forward must return a state of type {type(state).__name__}, got {type(after).__name__}"
    )
    require("interface", type(after) is type(state), message)
    for name, got, want in zip(state._fields, after, state, strict=True):
        same = got.shape == want.shape and got.dtype == want.dtype
        message = (
            f"state.{name} must keep shape {list(want.shape)} and {want.dtype}, "
            f"got {list(got.shape)} and {got.dtype}"
        )
        require("interface", same, message)


def single_precision(make: MakeMemory) -> None:
    """Check that results in float32 equal those in float64 up to rounding."""
    trial = make_trial(make)
    y, state = trial.run(start=trial.start)
    single = Trial(
        copy.deepcopy(trial.memory).float(),
        trial.x.float(),
        map_state(lambda s: s.float() if s.dtype == torch.float64 else s, trial.state),
        trial.start,
    )
    for cuts, name in (((0, STEPS), "one call"), (SINGLE_STEPS, "single steps")):
        y_single, state_single = single.run(cuts, trial.start)
        message = f"the results of {name} in float32 differ from float64 by more than rounding"
        got = [tensor.to(y.dtype) for tensor in (y_single, *state_single)]
        require_same("single_precision", got, [y, *(s.to(y.dtype) for s in state)], message, 1e4)


def rows(make: MakeMemory) -> None:
    """Check that batch rows depend neither on each other nor on the batch size."""
    trial = make_trial(make)
    y, state = trial.run(start=trial.start)
    for picked in ([2, 0, 3, 1], [1], [3, 3]):
        y_picked, state_picked = trial.run(
            start=trial.start[picked],
            x=trial.x[picked],
            state=map_state(lambda s, picked=picked: s[picked], trial.state),
        )
        wanted = [y[picked], *(field[picked] for field in state)]
        message = f"rows {picked} computed alone differ from the same rows in a batch of {ROWS}"
        require_same("rows", [y_picked, *state_picked], wanted, message)


def arguments(make: MakeMemory) -> None:
    """Check that ``forward`` does not write into its arguments or return views of them."""
    trial = make_trial(make)
    for steps in (1, STEPS):
        for start in (None, trial.start[:, :steps].clone()):
            with torch.no_grad():
                _require_untouched(trial, trial.x[:, :steps].clone(), start)


def _require_untouched(trial: Trial, x: Tensor, start: Tensor | None) -> None:
    state = map_state(Tensor.clone, trial.state)
    given = [x, *state] if start is None else [x, *state, start]
    before = [tensor.clone() for tensor in given]
    y, after = trial.memory(x, state, start)
    untouched = all(map(torch.equal, given, before))
    require("arguments", untouched, "forward writes into its arguments")
    results = [y, *after]
    saved = [tensor.clone() for tensor in results]
    for tensor in given:
        tensor.zero_()
    kept = all(map(torch.equal, results, saved))
    require(
        "arguments",
        kept,
        "a result shares storage with an argument: it changes when the caller writes into it",
    )
    for field in after:
        field.zero_()
    kept = torch.equal(y, saved[0])
    require(
        "arguments",
        kept,
        "the outputs share storage with the state: they change when the caller writes into it",
    )


def parameters(make: MakeMemory) -> None:
    """Check that every parameter gets a gradient."""
    trial = make_trial(make)
    named = [(name, p) for name, p in trial.memory.named_parameters() if p.requires_grad]
    y, state = trial.run(start=trial.start)
    found = gradients_of(loss(y, state), [p for _, p in named])
    dead = [name for (name, _), gradient in zip(named, found, strict=True) if not gradient.any()]
    require("parameters", not dead, f"these parameters get no gradient: {', '.join(dead)}")


def instances(make: MakeMemory) -> None:
    """Check that two memories share nothing: training one does not change the other."""
    trial = make_trial(make)
    before, _ = trial.run(start=trial.start)
    other = Trial(make().double().eval(), trial.x, trial.state, trial.start)
    shared = _storages(trial.memory) & _storages(other.memory)
    require("instances", not shared, "two memories share the storage of a parameter or buffer")
    _update(other)
    other.run(start=trial.start)
    after, _ = trial.run(start=trial.start)
    message = "building, training or running one memory changes another"
    require_same("instances", [after], [before], message)


def _storages(memory: Memory) -> set[int]:
    tensors = [*memory.parameters(), *memory.buffers()]
    return {tensor.data_ptr() for tensor in tensors if tensor.numel()}


def updates(make: MakeMemory) -> None:
    """Check that all calls use new weights after an optimiser step and after loading weights."""
    trial = make_trial(make)
    # a memory that caches something computed from its weights does so in these calls
    trial.run(SINGLE_STEPS, trial.start)
    trial.run(start=trial.start)
    _update(trial)
    _require_agreement(trial, _fresh(make, trial), "an optimiser step")
    trial.memory.load_state_dict(make().double().state_dict())
    _require_agreement(trial, _fresh(make, trial), "load_state_dict")


def _update(trial: Trial) -> None:
    """Do a step of gradient descent in place, as an optimiser does."""
    y, state = trial.run(start=trial.start)
    value = loss(y, state) / (STEPS * ROWS)  # so that the step is small for every memory
    gradients = gradients_of(value, trial.parameters)
    with torch.no_grad():
        for parameter, gradient in zip(trial.parameters, gradients, strict=True):
            parameter -= 0.01 * gradient


def _fresh(make: MakeMemory, trial: Trial) -> Trial:
    memory = make().double().eval()
    memory.load_state_dict(trial.memory.state_dict())
    return Trial(memory, trial.x, trial.state, trial.start)


def _require_agreement(trial: Trial, fresh: Trial, event: str) -> None:
    wanted, _ = fresh.run(start=trial.start)
    learning, _ = trial.run(start=trial.start)
    acting, _ = trial.run(SINGLE_STEPS, trial.start)
    message = f"after {event}, a call over many steps still uses the old weights"
    require_same("updates", [learning], [wanted], message)
    message = f"after {event}, single steps still use the old weights"
    require_same("updates", [acting], [wanted], message)


def copies(make: MakeMemory) -> None:
    """Check that copies by pickle, deepcopy and state_dict compute the same."""
    trial = make_trial(make)
    y, state = trial.run(start=trial.start)
    file = io.BytesIO()
    torch.save(trial.memory.state_dict(), file)
    file.seek(0)
    loaded = make().double().eval()
    loaded.load_state_dict(torch.load(file))
    duplicates = {
        "pickle": pickle.loads(pickle.dumps(trial.memory)),
        "copy.deepcopy": copy.deepcopy(trial.memory),
        "state_dict": loaded,
    }
    for how, memory in duplicates.items():
        duplicate = Trial(memory, trial.x, trial.state, trial.start)
        y_copy, state_copy = duplicate.run(start=trial.start)
        message = f"a copy of the memory by {how} computes different results"
        require_same("copies", [y_copy, *state_copy], [y, *state], message)
    kept = pickle.loads(pickle.dumps(fill(trial.state, 1.0)))
    require(
        "copies",
        type(kept) is type(trial.state),
        "the state changes its type when it is pickled and loaded",
    )
