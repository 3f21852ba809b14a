"""Errors that end a run and are caused neither by a wrong argument nor by a bug in popgym."""


class RunError(RuntimeError):
    """Error for a run that cannot continue; the message says what failed and what to do."""


class BrokenEnvironmentError(RunError):
    """Error for an environment that raised, or returned a value outside its spaces."""


class TrainingDivergedError(RunError):
    """Error for a loss, a gradient or a weight that is no longer finite."""


class StorageError(RunError):
    """Error for a file of the run that cannot be written, such as on a full disk."""


class WorkerError(RuntimeError):
    """Error for an environment process that raised or ended; the message says which and how."""


LONGEST = 1000
"""Characters of a message that quotes something else, such as a part of a file."""


def describe(error: BaseException) -> str:
    """Return an error's type and message in one line, cut if it is very long.

    The message of a ``WorkerError`` already includes the type.
    """
    message = one_line(str(error))
    message = message if len(message) <= LONGEST else f"{message[:LONGEST]} …"
    if isinstance(error, WorkerError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def one_line(text: str) -> str:
    """Return a text without line breaks and without signs that would control a terminal."""
    words = " ".join(text.split())
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in words)


def origin(error: BaseException) -> str:
    """Return the name of the module whose code raised an error.

    If a call fails because its arguments do not match, that is the calling module.
    """
    name = ""
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
    return name
