"""A contestant in a process of its own: built once, kept warm, computing only when asked."""

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
    """The near end.

    Args:
        name: a key of ``CONTESTANTS``.
        threads: torch's.
        address: of the Ray cluster that contestants share.
    """

    def __init__(self, name, threads, address):
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(far_end, name, threads, address))
        self._process.start()
        far_end.close()

    def answer(self):
        """What it says next, in its turn; the first time, that it is built.

        Raises:
            SystemExit: with its traceback when it failed.
        """
        try:
            failed, value = self._pipe.recv()
        except EOFError:
            failed, value = True, f"exit code {self._process.exitcode}"
        if failed:
            raise SystemExit(f"contestant {self.name} failed:\n{value}")
        return value

    def call(self, method, *args):
        """Runs a method over there.

        Returns:
            Its result, the seconds it took, and how many cores others used meanwhile.
        """
        busy = _busy()
        self._pipe.send((method, args))
        result, seconds, own = self.answer()
        return result, seconds, (_busy() - busy - own) / seconds

    def stop(self):
        """Ends the process."""
        self._process.terminate()
        self._process.join()


def _busy():
    """Seconds that all cores together have worked since the machine started; Linux only."""
    try:
        ticks = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    except FileNotFoundError:
        return math.nan
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, ticks)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _serve(pipe, name, threads, address):
    """The far end: what it prints, warnings of RLlib mostly, is dropped."""
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
    except EOFError:  # the near end is gone
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
    torch.set_num_threads(threads)  # should something have changed it
    return contestant
