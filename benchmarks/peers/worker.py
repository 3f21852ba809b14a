"""A contestant in its own process: it is built once and computes only when it is called."""

import importlib
import math
import multiprocessing
import os
import time
import traceback
import warnings
from pathlib import Path

CONTESTANTS = {
    "ours": ("peers.ours:Ours", {}),
    "bf16": ("peers.ours:Ours", {"precision": "bf16"}),
    "plain": ("peers.plain_ppo:PlainPPO", {}),
    "stock": ("peers.stock:NewStack", {}),
    "lstm": ("peers.stock:NewStackLSTM", {}),
    "old": ("peers.stock:OldStack", {}),
}
NEED_RAY = {"stock", "lstm", "old"}


class Worker:
    """A contestant, seen from the process of the benchmark.

    Args:
        name: A key of ``CONTESTANTS``.
        threads: Number of torch threads.
        address: Address of the Ray cluster that the contestants share.
    """

    def __init__(self, name, threads, address):
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(far_end, name, threads, address))
        self._process.start()
        far_end.close()

    def answer(self):
        """Wait for the next answer; the first one says that the contestant is built.

        Raises:
            SystemExit: If the contestant failed; the message is its traceback.
        """
        try:
            failed, value = self._pipe.recv()
        except EOFError:
            failed, value = True, f"exit code {self._process.exitcode}"
        if failed:
            raise SystemExit(f"contestant {self.name} failed:\n{value}")
        return value

    def call(self, method, *args):
        """Run a method of the contestant in its process.

        Returns:
            The result, the seconds, and how many cores other processes used during the call.
        """
        busy = _busy()
        self._pipe.send((method, args))
        result, seconds, own = self.answer()
        return result, seconds, (_busy() - busy - own) / seconds

    def stop(self):
        """End the process."""
        self._process.terminate()
        self._process.join()


def _busy():
    """Return the busy seconds of all cores together since the machine started; Linux only."""
    try:
        ticks = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    except FileNotFoundError:
        return math.nan
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, ticks)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _serve(pipe, name, threads, address):
    """Serve calls in the contestant's process; its output, mostly RLlib warnings, is dropped."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        contestant = _build(name, threads, address)
        pipe.send((False, None))
        while True:
            method, args = pipe.recv()
            begin, used = time.perf_counter(), time.process_time()
            result = getattr(contestant, method)(*args)
            seconds, used = time.perf_counter() - begin, time.process_time() - used
            pipe.send((False, (result, seconds, used)))
    except EOFError:  # the benchmark has ended
        pass
    except Exception:
        pipe.send((True, traceback.format_exc()))


def _build(name, threads, address):
    import torch

    warnings.simplefilter("ignore")
    target, options = CONTESTANTS[name]
    module, _, attribute = target.partition(":")
    torch.set_num_threads(threads)
    contestant = getattr(importlib.import_module(module), attribute)(address=address, **options)
    torch.set_num_threads(threads)  # the constructor may have changed it
    return contestant
