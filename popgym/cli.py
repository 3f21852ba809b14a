"""The command ``popgym``. Each subcommand imports what it needs, when it is called."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from popgym import __version__

EPILOG = """\
examples:
  popgym train RepeatPreviousEasy --memory frameconv
  popgym train CartPole-v1 --memory gru --steps 50000
  popgym train my_package.worlds:MyEnv --memory my_package.memories:MyMemory --set lr=1e-3
  popgym train --resume runs/RepeatPreviousEasy-frameconv-seed0 --steps 1000000
  popgym evaluate runs/RepeatPreviousEasy-frameconv-seed0
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 2 for a mistake, 130 for Ctrl-C."""
    _be_quiet()
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # so that module:Class finds the user's own files
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("popgym: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
            return 2
        print(f"popgym: {_one_line(error)}", file=sys.stderr)
        return 2


def _one_line(error: Exception) -> str:
    """The message of a user's mistake; of anything else also its kind and where to look."""
    from popgym.runs.errors import RunError

    message = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError):
        return f"{message}: install it with pip install 'popgym[all]'"
    if isinstance(error, (ValueError, TypeError, RunError)):
        return message
    return f"{type(error).__name__}: {message} (run again with --debug for the traceback)"


def _be_quiet() -> None:
    """Ray and its parts talk a lot; a message here is one line, for the user."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::DeprecationWarning")
    warnings.simplefilter("ignore", DeprecationWarning)
    # Arrays from Ray's object store are only read.
    warnings.filterwarnings("ignore", "The given NumPy array is not writable")
    warnings.showwarning = _show_warning


def _show_warning(message: Any, category: type, *_: Any, **__: Any) -> None:
    print(f"popgym: warning: {message}", file=sys.stderr)


# ---- the grammar


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other message here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"popgym: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="popgym",
        description="Partially observable environments and memory models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"popgym {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    for name, text, run in (
        ("envs", "list the environments", _envs),
        ("memories", "list the memories", _memories),
    ):
        _command(commands, name, text, run)
    return parser


def _command(commands: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=EPILOG if name == "train" else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    command.set_defaults(run=run)
    return command


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", "train an agent", _train)
    train.add_argument("env", nargs="?", metavar="ENV", help="name, Gymnasium id or module:Class")
    train.add_argument("--memory", metavar="NAME", help="a memory's name, or module:Class")
    train.add_argument("--steps", type=_count, help="environment steps in all")
    train.add_argument("--seed", type=_count)
    train.add_argument("--config", metavar="FILE", help="settings as JSON or YAML")
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments",
        help="any setting: lr=0.001, memory.stack_size=8, env.k=8, network.hidden_size=64",
    )  # fmt: skip
    train.add_argument("--runners", type=_count, help="Ray actors that play (0: none)")
    train.add_argument("--learners", type=_count, help="Ray actors that learn (0: none)")
    train.add_argument("--device", help="cpu or cuda")
    train.add_argument("--precision", help="float32 or bf16")
    train.add_argument("--out", metavar="DIR", help="the run folder")
    train.add_argument("--resume", metavar="RUN", help="go on with a run folder")


def _add_evaluate(commands: Any) -> None:
    evaluate = _command(commands, "evaluate", "play episodes with a trained agent", _evaluate)
    evaluate.add_argument("folder", metavar="RUN", help="a run folder")
    evaluate.add_argument("--episodes", type=_count, default=100)
    evaluate.add_argument("--seed", type=_count, default=1)
    evaluate.add_argument(
        "--sample", action="store_true", help="draw actions instead of taking the most probable"
    )


def _count(text: str) -> int:
    """A whole number, also written 5e5 or 500_000."""
    try:
        number = float(text)
        if number != int(number) or number < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number ≥ 0") from None
    return int(number)


# ---- the commands


def _train(arguments: argparse.Namespace) -> int:
    if arguments.resume:
        return _resume(arguments)
    from popgym.runs.settings import check_keys, merge, parse_assignment, read_settings_file

    flags = ("env", "memory", "steps", "seed", "runners", "learners", "device", "precision")
    given = {k: getattr(arguments, k) for k in flags if getattr(arguments, k) is not None}
    assigned = dict(parse_assignment(text) for text in arguments.assignments)
    from_file = read_settings_file(arguments.config) if arguments.config else {}
    settings = merge(from_file, assigned, given)
    check_keys(settings, "setting")
    if "env" not in settings:
        raise ValueError("name an environment: popgym train ENV (`popgym envs` lists ours)")
    from popgym.baselines.train import train

    return _report(train(settings.pop("env"), out=arguments.out, **settings))


def _resume(arguments: argparse.Namespace) -> int:
    fixed = ("env", "memory", "seed", "config", "runners", "learners", "device", "precision", "out")
    for name in fixed:
        if getattr(arguments, name) is not None:
            raise ValueError(f"a resumed run keeps its {name}; only --steps may be new")
    if arguments.assignments:
        raise ValueError("a resumed run keeps its settings; only --steps may be new")
    from popgym.baselines.train import resume

    return _report(resume(arguments.resume, steps=arguments.steps))


def _report(run: Any) -> int:
    """What came out and what to do next."""
    final = run.final_return
    print(f"mean return {final:.3f}" if final is not None else "no episode ended")
    print(f"learning curve: {run.path / 'curve.png'}")
    if run.interrupted:
        print(f"interrupted; go on with: popgym train --resume {run.path}")
        return 130
    print(f"look further: popgym evaluate {run.path}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from popgym.runs.evaluate import evaluate
    from popgym.runs.folder import RunFolder

    folder = RunFolder.open(arguments.folder)
    settings = folder.settings
    result = evaluate(
        folder.policy(arguments.seed),
        settings.env,
        env_options=settings.env_options,
        episodes=arguments.episodes,
        seed=arguments.seed,
        deterministic=not arguments.sample,
    )
    print(result)
    return 0


def _envs(arguments: argparse.Namespace) -> int:
    from popgym.envs import table

    _print_table(table())
    return 0


def _memories(arguments: argparse.Namespace) -> int:
    from popgym.memory.registry import table

    _print_table(table())
    return 0


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Columns as wide as their longest entry."""
    header = list(rows[0])
    cells = [header, *([str(row[name]) for name in header] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    for line in cells:
        print("  ".join(f"{x:<{w}}" for x, w in zip(line, widths, strict=True)).rstrip())
