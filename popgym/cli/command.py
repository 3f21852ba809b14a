"""The command line's main function; it prints a user's mistake in one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from popgym.cli import (
    benchmarking,
    inspecting,
    memories,
    playing,
    results,
    tables,
    training,
    tuning,
)
from popgym.cli.grammar import parser
from popgym.cli.messages import listen, say
from popgym.importing import search_also


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments; None: those of the process.

    Returns:
        The exit status: 0 for success, 2 for an error, 130 after Ctrl-C.

    Raises:
        SystemExit: If SIGTERM or SIGHUP ended the command, with status 143 or 129.
    """
    _be_quiet()
    _write_safely()
    listen()
    search_also(os.getcwd())  # so that module:Class can import the user's own files
    arguments = parser(
        training, inspecting, benchmarking, tuning, results, playing, tables, memories
    ).parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except SystemExit as end:
        if message := getattr(end, "message", ""):  # of popgym.runs.interrupts.Terminated
            say(message)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
            return 2
        say(_one_line(error))
        return 2


def _one_line(error: Exception) -> str:
    """Return the message of an expected error; for others also the type and a hint at --debug."""
    from popgym.runs.errors import RunError, one_line

    message = one_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        known = "pip install" in message
        return message if known else f"{message}: install it with pip install 'popgym[all]'"
    if isinstance(error, (ValueError, TypeError, RunError)):
        return message
    return f"{type(error).__name__}: {message} (run again with --debug for the traceback)"


def _write_safely() -> None:
    """Let no message end the command; results lose only signs that the encoding lacks."""
    from popgym.runs.output import Forgiving

    if not isinstance(sys.stderr, Forgiving):
        sys.stderr = Forgiving(sys.stderr)  # type: ignore[assignment]
    with contextlib.suppress(AttributeError, ValueError):  # a closed or replaced stdout
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]


def _be_quiet() -> None:
    """Silence the many messages of Ray and its libraries, which do not concern the user."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::DeprecationWarning")
    warnings.simplefilter("ignore", DeprecationWarning)
    # Arrays from Ray's object store are read-only, and nothing here writes into them.
    warnings.filterwarnings("ignore", "The given NumPy array is not writable")
    warnings.showwarning = _show_warning


def _show_warning(message: Any, category: type, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")
