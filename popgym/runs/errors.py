"""What can go wrong in a run that is neither the user's argument nor our mistake."""


class RunError(RuntimeError):
    """A run cannot go on; the message says what, where and what to do."""


class BrokenEnvironmentError(RunError):
    """An environment raised, or returned something outside its spaces."""


class TrainingDivergedError(RunError):
    """A loss or a gradient stopped being finite."""


class WorkerError(RuntimeError):
    """The process of one environment raised or ended; the message says which and how."""


def describe(error: BaseException) -> str:
    """An error in one line: its type and message; a `WorkerError`'s message says both."""
    message = " ".join(str(error).split())
    if isinstance(error, WorkerError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def origin(error: BaseException) -> str:
    """The name of the module in whose code an error came up; the caller's for a refused call."""
    name = ""
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
    return name
