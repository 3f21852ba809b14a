"""The error that reports a broken law, for memories and for environments."""


class LawBroken(AssertionError):  # noqa: N818 (it reads as a sentence where it is raised)
    """Error raised when a memory or an environment breaks a law.

    Attributes:
        law: The name of the law in ``LAWS`` or ``ENV_LAWS``.
        message: What was observed, and what was expected.
    """

    def __init__(self, law: str, message: str) -> None:
        super().__init__(law, message)
        self.law = law
        self.message = message

    def __str__(self) -> str:
        return f"{self.law}: {self.message}"


def require(law: str, condition: bool, message: str) -> None:
    """Raise ``LawBroken`` unless the condition holds."""
    if not condition:
        raise LawBroken(law, message)
