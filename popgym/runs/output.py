"""Output that cannot end a run."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO


class Forgiving:
    """A text stream to which writing never fails.

    A terminal may be closed, a pipe's reader may end, a disk may be full. What is written then is
    lost, and the program goes on.

    Args:
        stream: The stream. None, which Python has for a closed standard stream, loses everything.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]

    def write(self, text: str) -> int:
        """Write text, or lose it."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        self._try("flush")

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return bool(self._try("isatty"))

    def _try(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._stream, method)(*arguments) if self._stream is not None else None
        except (OSError, ValueError):  # ValueError: the file is closed
            self._stream = None
            return None

    def __getattr__(self, name: str) -> Any:  # encoding, fileno and others
        if name == "_stream" or self._stream is None:
            raise AttributeError(name)
        return getattr(self._stream, name)
