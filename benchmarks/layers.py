"""Measure the training cost of memories, compared with the bare layers of torch.

It measures forward and backward passes with 256 rows of 64 steps, 128 input and 256 output
features, including the gradients of the inputs; one acting step of 256 environments; and
right-padded rows. The contestants take turns, so that other load on the machine affects all of
them. Compare the ratios.

    python benchmarks/layers.py [--rounds 7] [--seconds 40] [--threads 2]
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn
from torch.nn import functional

from popgym.memory import Linear, make_memory
from popgym.memory.ops.padding import forward_padded
from popgym.memory.rnn.torch_layers import run_fused

B, T, F, D, W = 256, 64, 128, 256, 4
EPISODE = 52


@dataclass
class Contestant:
    """A call to be timed, and the group in which it is compared."""

    group: str
    name: str
    run: callable
    calls: int = 1  # per round; more than 1 for short calls


def every_52_steps():
    """Return an episode start mask [B, T] with a random phase in each row."""
    phase = torch.randint(0, EPISODE, (B, 1))
    return (torch.arange(T) + phase) % EPISODE == 0


def trains(forward, modules, *shape, autocast=False):
    """Return a function that runs forward and backward; ``forward`` takes x of this shape."""
    x = torch.randn(shape, requires_grad=True)
    parameters = [p for module in modules for p in module.parameters()]
    gradient = None

    def run():
        nonlocal gradient
        x.grad = None
        for parameter in parameters:
            parameter.grad = None
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            y = forward(x)
        if gradient is None:
            gradient = torch.randn_like(y)
        y.backward(gradient)

    return run


def acts(forward, *shape):
    x = torch.randn(shape)

    @torch.no_grad()
    def run():
        forward(x)

    return run


def convolution_contestants(autocast):
    conv = nn.Conv1d(F, D, W)
    memory = make_memory("frameconv", F, D, stack_size=W)
    state, start = memory.initial_state(B), every_52_steps()
    group = "convolution, bf16" if autocast else "convolution"

    def conv2d(z):
        return functional.conv2d(z.mT.unsqueeze(2), conv.weight.unsqueeze(2), conv.bias)

    rows = [
        ("torch conv1d", conv, conv, (B, F, T + W - 1)),
        ("torch conv2d, channels last", conv2d, conv, (B, T + W - 1, F)),
        ("frameconv", lambda x: memory(x, state)[0], memory, (B, T, F)),
        ("frameconv, resets", lambda x: memory(x, state, start)[0], memory, (B, T, F)),
    ]
    return [
        Contestant(group, name, trains(forward, [module], *shape, autocast=autocast))
        for name, forward, module, shape in rows
    ]


def recurrent_contestants(autocast):
    gru = nn.GRU(F, D, batch_first=True)
    memory = make_memory("gru", F, D)
    state, start = memory.initial_state(B), every_52_steps()
    group = "gru, bf16" if autocast else "gru"
    rows = [
        ("torch nn.GRU", lambda x: gru(x)[0], gru),
        ("gru", lambda x: memory(x, state)[0], memory),
        ("gru, resets", lambda x: memory(x, state, start)[0], memory),
        ("nn.GRU cut, resets", lambda x: cut(memory, x, start), memory),
    ]
    return [
        Contestant(group, name, trains(forward, [module], B, T, F, autocast=autocast))
        for name, forward, module in rows
    ]


def cut(memory, x, start):
    """Compute resets with nn.GRU alone: cut all rows wherever an episode starts in any row."""
    return run_fused(memory.layers, x, (x.new_zeros(1, B, D),), start)[0]


def linear_contestants():
    plain, ours = nn.Linear(F, D), Linear(F, D)
    mlp = nn.Sequential(nn.Linear(F, D), nn.LeakyReLU(), nn.Linear(D, D), nn.LeakyReLU())
    memory = make_memory("mlp", F, D)
    state = memory.initial_state(B)
    return [
        Contestant("linear", "torch Linear", trains(plain, [plain], B, T, F)),
        Contestant("linear", "popgym Linear", trains(ours, [ours], B, T, F)),
        Contestant("mlp", "torch MLP", trains(mlp, [mlp], B, T, F)),
        Contestant("mlp", "mlp", trains(lambda x: memory(x, state)[0], [memory], B, T, F)),
    ]


def acting_contestants():
    conv, gru = nn.Conv1d(F, D, W), nn.GRU(F, D, batch_first=True)
    weight = conv.weight.mT.flatten(1)
    rows = [
        ("convolution", "product", lambda x: functional.linear(x, weight), (B, F * W)),
        ("convolution", "frameconv", stepper("frameconv"), (B, 1, F)),
        ("gru", "torch nn.GRU", gru, (B, 1, F)),
        ("gru", "gru", stepper("gru"), (B, 1, F)),
    ]
    return [
        Contestant(f"{group}, acting", name, acts(forward, *shape), calls=20)
        for group, name, forward, shape in rows
    ]


def stepper(name):
    memory = make_memory(name, F, D)
    state, start = memory.initial_state(B), torch.rand(B, 1) < 1 / EPISODE
    return lambda x: memory(x, state, start)


def padded_contestants():
    lengths = torch.where(torch.rand(B) < 0.5, T, torch.randint(1, T + 1, (B,)))
    for name in ("frameconv", "gru"):
        memory = make_memory(name, F, D)
        for label, forward in (
            ("full rows", lambda x, m=memory: m(x, m.initial_state(B))[0]),
            (
                f"padded rows, {lengths.sum() / B / T:.0%} real",
                lambda x, m=memory: forward_padded(m, x, m.initial_state(B), lengths)[0],
            ),
        ):
            yield Contestant(f"{name}, padding", label, trains(forward, [memory], B, T, F))


def measure(contestants, rounds, budget):
    """Return one list of seconds per call for each contestant, over at least three rounds."""
    seconds = [[] for _ in contestants]
    end = time.perf_counter() + budget
    for index in range(rounds + 1):
        if index > 3 and time.perf_counter() > end:
            break
        for taken, contestant in zip(seconds, contestants, strict=True):
            begin = time.perf_counter()
            for _ in range(contestant.calls):
                contestant.run()
            if index:  # the first round warms up
                taken.append((time.perf_counter() - begin) / contestant.calls)
    return seconds


def report(contestants, seconds):
    print(f"{'':26}{'':30}{'median':>9}{'quartiles':>16}{'of the first':>14}")
    rows = zip(contestants, seconds, strict=True)
    for group, members in groupby(rows, key=lambda row: row[0].group):
        first = None
        for contestant, taken in members:
            first = first or taken
            low, median, high = statistics.quantiles(taken, n=4)
            # ratios within a round, so that other load on the machine affects both
            ratio = statistics.median(a / b for a, b in zip(taken, first, strict=True))
            print(
                f"{group:26}{contestant.name:30}{median * 1e3:6.2f} ms"
                f"{low * 1e3:8.2f}–{high * 1e3:<7.2f}{ratio:12.2f}×"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=40, help="start no round after this time")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    contestants = [
        *convolution_contestants(autocast=False),
        *convolution_contestants(autocast=True),
        *recurrent_contestants(autocast=False),
        *recurrent_contestants(autocast=True),
        *linear_contestants(),
        *acting_contestants(),
        *padded_contestants(),
    ]
    print(f"{B} rows × {T} steps, {F} → {D} features, torch {torch.__version__}")
    seconds = measure(contestants, arguments.rounds, arguments.seconds)
    print(f"{arguments.threads} threads, {len(seconds[0])} rounds; resets every {EPISODE} steps")
    report(contestants, seconds)


if __name__ == "__main__":
    main()
