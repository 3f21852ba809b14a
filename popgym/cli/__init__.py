"""The command ``popgym``. Each subcommand imports what it needs, when it is called."""

from popgym.cli.command import main

__all__ = ["main"]
