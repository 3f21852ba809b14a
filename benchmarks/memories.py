"""Measure the cost of each memory: time and bytes of a training step, and time of an acting step.

    python benchmarks/memories.py [--only NAME ...] [--rounds 5] [--threads 1] [--peer PYTHON]
                                  [--compile]

A training step is a forward and backward pass with gradients of the inputs, 128 input and 256
output features, and 16 rows of 256 or 1,024 steps. An acting step is one step of 64 rows. Times are
medians, with the spread from slowest to fastest in brackets, in per cent of the median. Further
columns:

* ``resets``, ``bf16``, ``compiled``: the time with a new episode every 50 steps, with autocast to
  bfloat16, and with torch.compile, each divided by the plain time;
* ``Gflop``: the matrix products and convolutions of a training step, without elementwise
  operations;
* ``of peak``: their rate, divided by the rate of a large square product, measured in every round;
* ``MiB``: how much a training step raises the memory use of a new process.

With --peer, the interpreter of a Python that has POPGym 1.0.7 with Ray takes turns with ours and
trains its own memory of the same name. ``÷ peer`` is the median ratio of steps per second.

    python benchmarks/memories.py --growth     time and bytes per step from T = 256 to 16,384
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from popgym.memory import MEMORIES, make_memory
from popgym.memory.overview import count_flops

B, F, D, ACTING_ROWS, EPISODE = 16, 128, 256, 64, 50
LENGTHS = (256, 1024)
GROWTH_ROWS, GROWTH_LENGTHS = 4, (256, 1024, 4096, 16384)
KINDS = ("resets", "bf16", "compiled")
"""Variants of the training step; their times are divided by that of the plain one."""
WIDTHS = {"memory": 22, "training": 20, "acting": 18, "T": 7, "resets": 9, "bf16": 9, "MiB": 7}
PEERS = {
    "mlp": ("ray_mlp", "MLP"),
    "framestack": ("ray_framestack", "Framestack"),
    "frameconv": ("ray_frameconv", "Frameconv"),
    "elman": ("ray_elman", "Elman"),
    "lstm": ("ray_lstm", "LSTM"),
    "gru": ("ray_gru", "GRU"),
    "indrnn": ("ray_indrnn", "IndRNN"),
    "lmu": ("ray_lmu", "LMU"),
    "s4d": ("ray_s4d", "S4D"),
    "linear_attention": ("ray_linear_attention", "LinearAttention"),
    "fwp": ("ray_fwp", "FastWeightProgrammer"),
    "diffnc": ("ray_diffnc", "DiffNC"),
}
"""Our name → module and class of the same memory in POPGym 1.0.7."""


class Peer:
    """A process with POPGym 1.0.7 that makes one training step at a time."""

    def __init__(self, python, threads):
        script = Path(__file__).parent / "peers" / "popgym_1_memories.py"
        self.threads = threads
        self.process = subprocess.Popen(
            [python, "-I", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def seconds(self, name, steps):
        """Return its seconds for a training step; None if it cannot run this memory."""
        if name not in PEERS:
            return None
        print(*PEERS[name], B, steps, F, D, self.threads, file=self.process.stdin, flush=True)
        for line in self.process.stdout:  # libraries print to the same stream
            kind, _, value = line.partition(" ")
            if kind == "seconds":
                return float(value)
            if kind == "error":
                return None
        raise SystemExit("--peer: this interpreter cannot run the memories of POPGym 1.0.7")


def training(memory, rows, steps, resets=False, bf16=False, compiled=False):
    """Return a function that makes one training step and returns its seconds."""
    read = torch.compile(memory) if compiled else memory
    x = torch.randn(rows, steps, F, requires_grad=True)
    state, start = memory.initial_state(rows), None
    if resets:
        start = (torch.arange(steps) + torch.randint(0, EPISODE, (rows, 1))) % EPISODE == 0
    gradient = torch.randn(rows, steps, D)

    def step():
        x.grad = None
        memory.zero_grad(set_to_none=True)
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            y = read(x, state, start)[0]
        y.backward(gradient)
        return time.perf_counter() - begin

    return step


def acting(memory):
    x, state = torch.randn(ACTING_ROWS, 1, F), memory.initial_state(ACTING_ROWS)
    start = torch.zeros(ACTING_ROWS, 1, dtype=torch.bool)

    @torch.no_grad()
    def step():
        begin = time.perf_counter()
        memory(x, state, start)
        return time.perf_counter() - begin

    return step


def product():
    """Return a function that times a matrix product of size 2,048 (17.2 Gflop)."""
    a, b = torch.randn(2, 2048, 2048)

    def step():
        begin = time.perf_counter()
        a @ b
        return time.perf_counter() - begin

    return step


def measure(name, rounds, peer, compiled):
    memory = make_memory(name, F, D)
    contestants = {"peak": product(), "acting": acting(memory)}
    for steps in LENGTHS:
        contestants[f"{steps}"] = training(memory, B, steps)
        contestants[f"{steps} resets"] = training(memory, B, steps, resets=True)
        contestants[f"{steps} bf16"] = training(memory, B, steps, bf16=True)
        if compiled:
            contestants[f"{steps} compiled"] = training(memory, B, steps, compiled=True)
        if peer and peer.seconds(name, steps) is not None:
            contestants[f"{steps} peer"] = lambda steps=steps: peer.seconds(name, steps)
    taken = {key: [] for key in contestants}
    for index in range(rounds + 1):
        for key, step in contestants.items():
            seconds = step()
            if index:  # the first round warms up
                taken[key].append(seconds)
    return rows(name, memory, taken)


def rows(name, memory, taken):
    """Yield a row of the table for each length."""
    peak = statistics.median(2 * 2048**3 / seconds for seconds in taken["peak"])
    for steps in LENGTHS:
        plain, work = taken[f"{steps}"], count_flops(training(memory, B, steps))
        theirs = taken.get(f"{steps} peer")
        kinds = [kind for kind in KINDS if f"{steps} {kind}" in taken]
        yield {
            "memory": name,
            "parameters": f"{sum(p.numel() for p in memory.parameters()):,}",
            "acting": shown(taken["acting"]),
            "T": f"{steps:,}",
            "training": shown(plain),
            **{kind: f"{ratio(taken[f'{steps} {kind}'], plain):.2f} ×" for kind in kinds},
            "Gflop": f"{work / 1e9:.2f}",
            "of peak": f"{work / statistics.median(plain) / peak:.0%}",
            "MiB": f"{peak_memory(name, B, steps) / 2**20:.0f}",
            "÷ peer": f"{ratio(theirs, plain):.2f}" if theirs else "–",
        }


def ratio(a, b):
    """Return the median ratio over the rounds."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def shown(taken):
    median = statistics.median(taken)
    return f"{median * 1e3:.2f} ms [{100 * (max(taken) - min(taken)) / median:.0f} %]"


def peak_memory(name, rows, steps):
    """Return how many bytes a training step adds to the memory use of a new process."""
    command = [sys.executable, __file__, "--worker", name, str(rows), str(steps)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def worker(name, rows, steps):
    """Print how many bytes a training step adds to the peak memory of this process (Linux only)."""
    torch.set_num_threads(1)
    memory = make_memory(name, F, D)
    training(memory, int(rows), 2)()  # loads torch's kernels
    step = training(memory, int(rows), int(steps))
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark to the current use
    before = high_water()
    step()
    print(high_water() - before)


def high_water():
    """Return the peak memory use of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def growth(names, rounds):
    """Print microseconds and KiB per step of a row, in training."""
    print(f"µs and KiB for each of {GROWTH_ROWS} × T steps in training")
    print(f"{'':22}" + "".join(f"{f'T={steps:,}':>20}" for steps in GROWTH_LENGTHS))
    for name in names:
        memory, cells = make_memory(name, F, D), []
        for steps in GROWTH_LENGTHS:
            step, n = training(memory, GROWTH_ROWS, steps), GROWTH_ROWS * steps
            step()
            seconds = statistics.median(step() for _ in range(rounds))
            size = peak_memory(name, GROWTH_ROWS, steps)
            cells.append(f"{seconds / n * 1e6:.2f} µs {size / n / 1024:.1f} KiB")
        print(f"{name:22}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(*sys.argv[2:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=MEMORIES, metavar="NAME", default=[*MEMORIES])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter with POPGym 1.0.7 and Ray")
    parser.add_argument(
        "--compile", action="store_true", help="also measure torch.compile; takes minutes"
    )
    parser.add_argument(
        "--growth", action="store_true", help="only print time and bytes per step for growing T"
    )
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    if arguments.growth:
        return growth(arguments.only, arguments.rounds)
    peer = Peer(arguments.peer, arguments.threads) if arguments.peer else None
    print(f"{B} rows, {F} → {D}, torch {torch.__version__}, {arguments.threads} threads")
    for index, name in enumerate(arguments.only):
        for row in measure(name, arguments.rounds, peer, arguments.compile):
            if not index and row["T"] == f"{LENGTHS[0]:,}":
                print("".join(f"{key:>{WIDTHS.get(key, 11)}}" for key in row))
            print("".join(f"{v:>{WIDTHS.get(k, 11)}}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    main()
