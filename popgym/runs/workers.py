"""A vector environment that runs each environment in a process and reports failures in one line.

It is Gymnasium's ``AsyncVectorEnv`` except for the handling of failures. There, a process that dies
causes an EOFError that does not name it, an exception is printed both by the worker and by the
main process, and closing the remaining processes may wait forever.
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
"""Seconds to wait for a process to end before it is killed, and for a late error message."""


class ProcessVectorEnv(AsyncVectorEnv):
    """Vector environment with one process for each environment.

    Any failure in one process ends all of them and raises a ``WorkerError``.
    """

    def __init__(self, env_fns: Any, **kwargs: Any) -> None:
        worker: Any = work
        try:
            super().__init__(env_fns, worker=worker, **kwargs)
        except TypeError:
            # Shared memory does not support float16. If the environment itself raised the error,
            # it does so again.
            super().__init__(env_fns, worker=worker, shared_memory=False, **kwargs)

    def _check_spaces(self) -> None:
        # The last step of the constructor, and the first that receives messages from a process.
        self.parent_pipes = [
            Line(pipe, process, i, self.num_envs)
            for i, (pipe, process) in enumerate(zip(self.parent_pipes, self.processes, strict=True))
        ]
        with self._ending_all():
            super()._check_spaces()

    def reset(self, **kwargs: Any) -> Any:
        """Reset the environments, like ``AsyncVectorEnv.reset``."""
        with self._ending_all():
            return super().reset(**kwargs)

    def step(self, actions: Any) -> Any:
        """Step the environments, like ``AsyncVectorEnv.step``."""
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
            message, trace = "failed without an error message", ""
        place = f"(environment {index} of {self.num_envs})"
        raise WorkerError(f"{message} {place}") from (RuntimeError(trace) if trace else None)

    def close_extras(
        self, timeout: float | None = None, terminate: bool = False, **kwargs: Any
    ) -> None:
        """End the processes: ask those that wait for a command to close, then kill the others."""
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
    """The main process's end of the pipe to a worker, which detects that the worker has ended."""

    def __init__(self, pipe: Any, process: Any, index: int, count: int) -> None:
        self._pipe, self._process = pipe, process
        self._place = f"environment {index} of {count}"

    def send(self, message: Any) -> None:
        """Send a message, like ``Connection.send``."""
        # If the worker has ended, ``recv`` finds the reason.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipe.send(message)

    def recv(self) -> Any:
        """Return the next message, like ``Connection.recv``.

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
        return f"was killed by {name}" + (", maybe because memory ran out" if code == -9 else "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


def work(
    index: int, make: Callable[[], Any], pipe: Any, parent_pipe: Any, memory: Any, errors: Any,
    mode: Any,
) -> None:  # fmt: skip
    """Run Gymnasium's worker loop in a process; report it if the environment cannot be made.

    The arguments are those of Gymnasium's ``_async_worker``.
    """
    # A terminal sends Ctrl-C and its own end to all processes; the main one ends the others itself.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    error_texts: Any = Errors(errors)
    try:
        env = make()
    except Exception as error:
        error_texts.put((index, type(error), error, traceback.format_exc()))
        pipe.send((None, False))
        return
    with contextlib.suppress(Exception):  # from close(); the loop sends all other errors
        _async_worker(index, lambda: env, pipe, parent_pipe, memory, error_texts, mode)


class Errors:
    """A queue that sends errors as text, because not every exception can be pickled."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def put(self, item: tuple[int, type, BaseException, str]) -> None:
        """Send the environment's index, and the error's type, description and traceback."""
        index, kind, error, trace = item
        self._queue.put((index, kind.__name__, describe(error), trace))
