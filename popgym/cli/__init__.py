"""The command ``popgym``.

Here belong the subcommands, their arguments and help texts, and how results and errors are
printed. It may import any room, but only inside the function that runs a subcommand, so that
``popgym --help`` starts fast.
"""

from popgym.cli.command import main

__all__ = ["main"]
