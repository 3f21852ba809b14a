"""Laws about time: chunks, resets, causality, receptive field, padding and long runs."""

import torch
from torch import Tensor

from popgym.memory.ops.padding import forward_padded
from popgym.testing.laws import require
from popgym.testing.memory_laws.trial import (
    SINGLE_STEPS,
    STEPS,
    UNEVEN_CUTS,
    MakeMemory,
    Trial,
    fill,
    gradients_of,
    loss,
    make_trial,
    map_state,
    require_same,
)

_RESET_AT = 25


def chunks(make: MakeMemory) -> None:
    """Check that one call, single steps and any chunks give the same outputs and states."""
    trial = make_trial(make)
    none, everywhere = torch.zeros_like(trial.start), torch.ones_like(trial.start)
    for start in (None, trial.start, none, everywhere):
        y, state = trial.run(start=start)
        for cuts, name in ((SINGLE_STEPS, "single steps"), (UNEVEN_CUTS, "chunks")):
            y_cut, state_cut = trial.run(cuts, start)
            require_same("chunks", [y_cut], [y], f"outputs of {name} differ from those of one call")
            require_same(
                "chunks", state_cut, state, f"the state after {name} differs from that of one call"
            )


def chunk_gradients(make: MakeMemory) -> None:
    """Check that one call, single steps and any chunks give the same gradients."""
    trial = make_trial(make)
    for start in (None, trial.start):
        whole = trial.gradients(start=start)
        for cuts, name in ((SINGLE_STEPS, "single steps"), (UNEVEN_CUTS, "chunks")):
            message = f"gradients through {name} differ from those through one call"
            require_same("chunk_gradients", trial.gradients(cuts, start), whole, message, 100)


def resets(make: MakeMemory) -> None:
    """Check that a row with resets equals its episodes computed separately."""
    trial = make_trial(make)
    y, state = trial.run(start=trial.start)
    for row in range(len(y)):
        y_row, state_row = _episodes_alone(trial, row)
        message = "a row with resets differs from its episodes computed one by one"
        require_same("resets", [y[row]], [y_row], message)
        require_same(
            "resets",
            [field[row] for field in state],
            [field[0] for field in state_row],
            "the state after a row with resets differs from the state after its last episode",
        )
    _require_no_gradient_across(trial)


def _episodes_alone(trial: Trial, row: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute a row's outputs and final state with a separate call for every episode."""
    begins = trial.start[row].nonzero().flatten().tolist()
    state = map_state(lambda s: s[row : row + 1], trial.state)
    outputs = []
    for begin, end in zip([0, *begins], [*begins, STEPS], strict=True):
        if begin in begins:
            state = trial.memory.initial_state(1)
        if end > begin:
            y, state = trial.memory(trial.x[row : row + 1, begin:end], state)
            outputs.append(y[0])
    return torch.cat(outputs), state


def _require_no_gradient_across(trial: Trial) -> None:
    start = _all_reset(trial)
    x = trial.x.clone().requires_grad_()
    y, state = trial.run(start=start, x=x)
    (gradient,) = gradients_of(loss(y[:, _RESET_AT:], state), [x])
    crossed = bool(gradient[:, :_RESET_AT].any())
    require("resets", not crossed, "a gradient flows across a reset into the previous episode")


def _all_reset(trial: Trial) -> Tensor:
    start = trial.start.clone()
    start[:, _RESET_AT] = True
    return start


def non_finite(make: MakeMemory) -> None:
    """Check that a reset also clears NaN and infinity, in the state and in earlier inputs."""
    trial = make_trial(make)
    start = trial.start.clone()
    start[:, 0] = True
    for steps in (1, STEPS):
        cuts = (0, steps)
        y, state = trial.run(cuts, start)
        for value in (float("nan"), float("inf")):
            y_bad, state_bad = trial.run(cuts, start, state=fill(trial.state, value))
            message = f"a state of {value} affects results after a reset (call of {steps} steps)"
            require_same("non_finite", [y_bad, *state_bad], [y, *state], message)
    _require_clean_after_nan_inputs(trial)


def _require_clean_after_nan_inputs(trial: Trial) -> None:
    start = _all_reset(trial)
    results = []
    for before in (0.0, float("nan")):
        x = trial.x.clone()
        x[:, :_RESET_AT] = before
        x.requires_grad_()
        y, state = trial.run(start=start, x=x)
        later = y[:, _RESET_AT:]
        (gradient,) = gradients_of(loss(later, state), [x])
        results.append([later, *state, gradient[:, _RESET_AT:]])
    clean, dirty = results
    message = "NaN inputs of an earlier episode affect a later episode's outputs or state"
    require_same("non_finite", dirty[:-1], clean[:-1], message)
    message = "NaN inputs of an earlier episode affect the gradient of a later episode's inputs"
    require_same("non_finite", dirty[-1:], clean[-1:], message, 100)


def causal(make: MakeMemory) -> None:
    """Check that no output depends on later inputs or later episode starts."""
    trial = make_trial(make)
    x, start = trial.x.clone(), trial.start.clone()
    x[:, 30:] += 3
    start[:, 30:] = ~start[:, 30:]
    y, _ = trial.run(start=trial.start)
    y_other, _ = trial.run(start=start, x=x)
    message = "an output depends on later inputs or episode starts"
    require_same("causal", [y_other[:, :30]], [y[:, :30]], message)


def receptive_field(make: MakeMemory) -> None:
    """Check that no output depends on more inputs than ``receptive_field`` says."""
    trial = make_trial(make)
    bound = trial.memory.receptive_field
    if bound is None:
        return
    x = trial.x.clone()
    x[:, 0] += 3
    y, _ = trial.run()
    y_other, _ = trial.run(x=x)
    message = f"receptive_field is {bound}, but an output depends on earlier inputs"
    require_same("receptive_field", [y_other[:, bound:]], [y[:, bound:]], message)


def padding(make: MakeMemory) -> None:
    """Check that right padding affects neither outputs nor states of the padded rows."""
    trial = make_trial(make)
    lengths = [STEPS, 7, 30, 0]
    x = trial.x.clone()
    for row, length in enumerate(lengths):
        x[row, length:] = float("nan")
    x.requires_grad_()
    y, state = forward_padded(trial.memory, x, trial.state, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        alone = (y[row, :0], map_state(lambda s, row=row: s[row : row + 1], trial.state))
        if length:
            alone = trial.memory(trial.x[row : row + 1, :length], alone[1])
        message = f"a row of {length} steps padded to {STEPS} differs from the same row alone"
        require_same("padding", [y[row, :length]], [alone[0].view_as(y[row, :length])], message)
        at_own_length = [field[row : row + 1] for field in state]
        message = (
            f"the state of a row of {length} steps padded to {STEPS} differs from the row alone"
        )
        require_same("padding", at_own_length, alone[1], message)
    (gradient,) = gradients_of(loss(y, state), [x])
    require("padding", bool(gradient.isfinite().all()), "NaN in the padding affects a gradient")


def long_runs(make: MakeMemory) -> None:
    """Check that outputs and state stay finite over 3,000 steps in float32."""
    memory = make().float().eval()
    with torch.no_grad():
        y, state = memory(torch.randn(2, 3000, memory.input_size), memory.initial_state(2))
    finite = all(bool(tensor.isfinite().all()) for tensor in (y, *state))
    require("long_runs", finite, "outputs or state are not finite after 3,000 steps")
