"""Errors that end a run and are caused neither by a wrong argument nor by a bug in popgym."""


class RunError(RuntimeError):
    """Error for a run that cannot continue; the message says what failed and what to do."""


class BrokenEnvironmentError(RunError):
    """Error for an environment that raised, or returned a value outside its spaces."""


class TrainingDivergedError(RunError):
    """Error for a loss or a gradient that is no longer finite."""


class WorkerError(RuntimeError):
    """Error for an environment process that raised or ended; the message says which and how."""


def describe(error: BaseException) -> str:
    """Return an error's type and message in one line.

    The message of a ``WorkerError`` already includes the type.
    """
    message = " ".join(str(error).split())
    if isinstance(error, WorkerError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


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
