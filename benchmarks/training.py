"""Measure how fast PPO trains Frameconv on RepeatPreviousEasy: popgym and other implementations.

Each iteration samples 256 environments × 64 steps and trains on them in minibatches of 8,192 steps,
with 10 epochs and with 1. Every contestant runs in its own process, which is set up and warmed up
once. In each round all contestants make one iteration, one after the other, so that other load on
the machine affects all of them. Compare the ratios, which are computed within a round.

    python benchmarks/training.py [--only ours,plain] [--rounds 8] [--seconds 220] [--threads 2]

``others`` is the number of cores that other processes used during the measurement. If it is far
above 0, the numbers are not reliable, especially with as many threads as cores, because threads
then wait for each other. ``return`` is the mean return of the last iteration. It shows that all
contestants learn the same task, and it rises with the rounds.
"""

import argparse
import statistics
import time
from collections import defaultdict

import torch
from peers.worker import CONTESTANTS, NEED_RAY, Worker

TITLES = {
    "ours": "popgym",
    "bf16": "popgym --precision bf16",
    "plain": "plain PyTorch loop",
    "stock": "RLlib new stack, our module",
    "lstm": "RLlib new stack, its LSTM",
    "old": "RLlib old stack, our model",
}


def play(workers, epochs, rounds, deadline):
    """Let all contestants make one iteration per round and number of epochs.

    Returns:
        Steps per second and cores used by others, each with one number per round, by
        (epochs, name); and the last mean return by name.
    """
    for worker in workers:
        worker.call("iterate", 1)  # compiles, allocates
    rates, others = defaultdict(list), defaultdict(list)
    returns = {}
    for index in range(rounds):
        begin = time.monotonic()
        for n in epochs:
            # in alternating order, so that no contestant always follows the same one
            for worker in workers[:: 1 if index % 2 else -1]:
                (steps, returns[worker.name]), seconds, foreign = worker.call("iterate", n)
                rates[n, worker.name].append(steps / seconds)
                others[n, worker.name].append(foreign)
        if 2 * time.monotonic() - begin > deadline:
            break  # another round would end too late
    return rates, others, returns


def print_rates(rates, others, returns, n, first):
    """Print a table for n epochs; the ratios say how much faster the first contestant is."""
    count = len(rates[n, first])
    print(f"\n{counted(n, 'epoch')}, {counted(count, 'round')}")
    faster = f"{first} is faster by"
    print(
        f"{'':8}{'':30}{'steps/s':>9}{'min–max':>18}{faster:>22}{'min–max':>14}{'others':>9}{'return':>9}"
    )
    for name in returns:
        taken = rates[n, name]
        ratios = [a / b for a, b in zip(rates[n, first], taken, strict=True)]
        print(
            f"{name:8}{TITLES[name]:30}{statistics.median(taken):9,.0f}"
            f"{f'{min(taken):,.0f}–{max(taken):,.0f}':>18}"
            f"{statistics.median(ratios):20.2f} ×{f'{min(ratios):.2f}–{max(ratios):.2f}':>14}"
            f"{statistics.median(others[n, name]):9.2f}{returns[name]:9.2f}"
        )


def print_breakdown(worker, epochs):
    """Print where the time of a popgym iteration goes, one column per number of epochs."""
    columns = [worker.call("breakdown", n)[0] for n in epochs]
    totals = [sum(column.values()) for column in columns]
    print(f"\nwhere the time goes, {TITLES[worker.name]}, one iteration each, in milliseconds")
    print(f"{'':20}{'':22}" + "".join(f"{counted(n, 'epoch'):>20}" for n in epochs))
    for part, detail in sorted(columns[0], key=lambda place: place[0]):
        print(f"{part:20}{detail:22}" + shares([c[part, detail] for c in columns], totals))
    print(f"{'all':42}" + shares(totals, totals))


def counted(n, what):
    return f"{n} {what}{'s' if n > 1 else ''}"


def shares(seconds, totals):
    pairs = zip(seconds, totals, strict=True)
    return "".join(f"{1e3 * s:12.1f}{100 * s / total:6.1f} %" for s, total in pairs)


def share_ray(names):
    """Start one Ray cluster for all contestants that need it; return its address, or None."""
    if not NEED_RAY & set(names):
        return None
    import ray

    context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    return context.address_info["address"]


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", help=f"some of {','.join(CONTESTANTS)}; ratios compare the first to the others"
    )
    parser.add_argument("--epochs", type=numbers, default=[10, 1], help="default 10,1")
    parser.add_argument("--rounds", type=int, default=8, help="most rounds; at least one is made")
    parser.add_argument(
        "--seconds", type=float, default=220, help="start no round that would end after this time"
    )
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="threads of torch"
    )
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(CONTESTANTS)
    if unknown := set(names) - set(CONTESTANTS):
        parser.error(
            f"--only: unknown contestant {', '.join(unknown)}; choose from {', '.join(TITLES)}"
        )
    deadline = time.monotonic() + arguments.seconds
    address = share_ray(names)
    workers = [Worker(name, arguments.threads, address) for name in names]
    try:
        for worker in workers:
            worker.answer()
        print(f"torch {torch.__version__}, {counted(arguments.threads, 'thread')}", flush=True)
        rates, others, returns = play(workers, arguments.epochs, arguments.rounds, deadline)
        returns = {name: returns[name] for name in names}
        for n in arguments.epochs:
            print_rates(rates, others, returns, n, names[0])
        for worker in workers:
            if worker.name in ("ours", "bf16"):
                print_breakdown(worker, arguments.epochs)
    finally:
        for worker in workers:
            worker.stop()


if __name__ == "__main__":
    main()
