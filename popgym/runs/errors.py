"""What can go wrong in a run that is neither the user's argument nor our mistake."""


class RunError(RuntimeError):
    """A run cannot go on; the message says what, where and what to do."""


class BrokenEnvironmentError(RunError):
    """An environment raised, or returned something outside its spaces."""


class TrainingDivergedError(RunError):
    """A loss or a gradient stopped being finite."""
