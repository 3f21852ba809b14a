"""Environments in processes of their own, whose failures are told in one line.

Gymnasium's `AsyncVectorEnv`, except for what happens when something goes wrong: there a process
that dies shows as an EOFError without a name, an exception is printed by the worker and again by
the main process, and closing what is left may wait for ever.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

from gymnasium.vector import AsyncVectorEnv
from gymnasium.vector.async_vector_env import AsyncState, _async_worker

from popgym.runs.errors import WorkerError, describe

GRACE = 5.0
"""Seconds that a process has to end before it is killed, and a lost message to arrive."""


class ProcessVectorEnv(AsyncVectorEnv):
    """An environment a process.

    Whatever goes wrong in one ends all of them and raises a `WorkerError`.
    """

    def __init__(self, env_fns: Any, **kwargs: Any) -> None:
        worker: Any = work
        try:
            super().__init__(env_fns, worker=worker, **kwargs)
        except TypeError:  # shared memory holds no float16; an environment's own fault comes again
            super().__init__(env_fns, worker=worker, shared_memory=False, **kwargs)

    def _check_spaces(self) -> None:
        """The constructor's last step, the first in which a process is heard."""
        self.parent_pipes = [
            Line(pipe, process, i, self.num_envs)
            for i, (pipe, process) in enumerate(zip(self.parent_pipes, self.processes, strict=True))
        ]
        with self._ending_all():
            super()._check_spaces()

    def reset(self, **kwargs: Any) -> Any:
        """See `AsyncVectorEnv`."""
        with self._ending_all():
            return super().reset(**kwargs)

    def step(self, actions: Any) -> Any:
        """See `AsyncVectorEnv`."""
        with self._ending_all():
            return super().step(actions)

    @contextlib.contextmanager
    def _ending_all(self) -> Any:
        try:
            yield
        except BaseException:
            self.close(terminate=True)
            raise

    def _raise_if_errors(self, successes: Any) -> None:
        if all(successes):
            return
        index = list(successes).index(False)
        try:
            index, _, message, trace = self.error_queue.get(timeout=GRACE)
        except queue.Empty:
            message, trace = "failed without a word", ""
        place = f"(environment {index} of {self.num_envs})"
        raise WorkerError(f"{message} {place}") from (RuntimeError(trace) if trace else None)

    def close_extras(
        self, timeout: float | None = None, terminate: bool = False, **kwargs: Any
    ) -> None:
        """Ends the processes: asks those that wait for a command, then uses force."""
        if not terminate and self._state is AsyncState.DEFAULT:
            for pipe in self.parent_pipes:
                with contextlib.suppress(WorkerError, OSError):
                    pipe.send(("close", None))
            self._join(GRACE if timeout is None else timeout)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._join(GRACE)
        for process in self.processes:
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self.parent_pipes:
            pipe.close()

    def _join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))


class Line:
    """The main process's end of the pipe to a worker; notices when the other end is gone."""

    def __init__(self, pipe: Any, process: Any, index: int, count: int) -> None:
        self._pipe, self._process = pipe, process
        self._place = f"environment {index} of {count}"

    def send(self, message: Any) -> None:
        """As of a connection."""
        # A worker that is gone may have said why: that is found when it is listened to.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipe.send(message)

    def recv(self) -> Any:
        """As of a connection.

        Raises:
            WorkerError: If the process has ended.
        """
        try:
            return self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(GRACE)
            raise WorkerError(f"its process {self._end()} ({self._place})") from None

    def _end(self) -> str:
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"was killed by {name}" + (", maybe for want of memory" if code == -9 else "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


def work(
    index: int, make: Callable[[], Any], pipe: Any, parent_pipe: Any, memory: Any, errors: Any,
    mode: Any,
) -> None:  # fmt: skip
    """What a process does: gymnasium's loop, of an environment that may fail to be made."""
    # A terminal sends Ctrl-C to all processes; the main one ends the others in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told: Any = Errors(errors)
    try:
        env = make()
    except Exception as error:
        told.put((index, type(error), error, traceback.format_exc()))
        pipe.send((None, False))
        return
    with contextlib.suppress(Exception):  # of close(); its other errors are sent
        _async_worker(index, lambda: env, pipe, parent_pipe, memory, told, mode)


class Errors:
    """A queue of errors as text: an exception may not survive the way between processes."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def put(self, item: tuple[int, type, BaseException, str]) -> None:
        """Sends index, type, error and traceback."""
        index, kind, error, trace = item
        self._queue.put((index, kind.__name__, describe(error), trace))
