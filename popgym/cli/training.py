"""``popgym train`` and ``popgym evaluate``: training an agent, and measuring it."""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.allocator import keep_freed_memory
from popgym.cli.grammar import EPILOG, add_env_options, add_trust, command, count, env_options
from popgym.cli.messages import print_wrapped, say_before_import
from popgym.cli.tables import print_table


def add(commands: Any) -> None:
    """Add the subcommands to the parser."""
    _add_train(commands)
    _add_evaluate(commands)


def _add_train(commands: Any) -> None:
    train = command(commands, "train", "train an agent in an environment", _train, EPILOG)
    train.add_argument(
        "env", nargs="?", metavar="ENV",
        help="POPGym environment, Gymnasium id or module:Class; module:function works too",
    )  # fmt: skip
    train.add_argument(
        "--memory", metavar="NAME", help="memory model listed by `popgym memories`, or module:Class"
    )
    train.add_argument("--steps", type=count, help="total number of environment steps")
    train.add_argument(
        "--stop-at", type=float, metavar="RETURN",
        help="end as soon as the mean return of the last 100 episodes (stop_episodes) is this high",
    )  # fmt: skip
    train.add_argument("--seed", type=count, help="seed of the run")
    train.add_argument(
        "--config", metavar="FILE", help="JSON or YAML file of settings; other options override it"
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments",
        help="any setting, such as lr=0.001, memory.stack_size=8, env.k=8 or "
        "network.hidden_size=64; may be repeated",
    )  # fmt: skip
    train.add_argument(
        "--list-settings", action="store_true", help="list all settings with their defaults"
    )
    train.add_argument(
        "--wrapper", action="append", metavar="NAME", dest="wrappers",
        help="wrapper of the environment: a class of popgym.wrappers, or module:Class; may be "
        "repeated, from the innermost to the outermost",
    )  # fmt: skip
    train.add_argument(
        "--runners", type=count, help="number of Ray actors that collect rollouts (0: this process)"
    )
    train.add_argument(
        "--learners", type=count, help="number of Ray actors that learn (0: this process)"
    )
    train.add_argument("--device", help="device of the learner: cpu or cuda")
    train.add_argument("--precision", help="float32, or bf16 for mixed precision")
    train.add_argument(
        "--out", metavar="DIR", help="run folder to create (default: runs/ENV-MEMORY-seedSEED)"
    )
    train.add_argument(
        "--resume",
        metavar="RUN",
        help="resume the run in this folder; --steps and --stop-at may be changed",
    )
    add_trust(train)


def _add_evaluate(commands: Any) -> None:
    evaluate = command(commands, "evaluate", "measure the returns of a trained agent", _evaluate)
    evaluate.add_argument("folder", metavar="RUN", help="run folder")
    evaluate.add_argument("--env", help="evaluate in another environment with the same spaces")
    add_trust(evaluate)
    add_env_options(evaluate)
    evaluate.add_argument(
        "--episodes", type=count, default=100, help="number of episodes (default: %(default)s)"
    )
    evaluate.add_argument("--max-steps", type=count, metavar="N", help="cut episodes after N steps")
    evaluate.add_argument(
        "--seed", type=count, default=1, help="seed of the evaluation (default: %(default)s)"
    )
    evaluate.add_argument(
        "--sample",
        action="store_true",
        help="sample actions instead of taking the most probable ones",
    )


def _train(arguments: argparse.Namespace) -> int:
    if arguments.list_settings:
        return _list_settings()
    keep_freed_memory()
    if arguments.resume:
        return _resume(arguments)
    from popgym.runs.settings import Settings, check_keys
    from popgym.runs.settings_given import merge, parse_assignments, read_settings_file
    from popgym.runs.typos import refuse_typos

    flags = (
        "env", "wrappers", "memory", "steps", "seed", "runners", "learners", "device", "precision",
        "stop_at",
    )  # fmt: skip
    given = {k: getattr(arguments, k) for k in flags if getattr(arguments, k) is not None}
    assigned = parse_assignments(arguments.assignments)
    for name, value in given.items():
        if name in assigned:
            raise ValueError(
                f"{name} is given twice, as {value!r} and with --set as {assigned[name]!r}: "
                "remove one of them"
            )
    from_file = read_settings_file(arguments.config) if arguments.config else {}
    settings = merge(from_file, assigned, given)
    check_keys(settings, "setting")
    if "env" not in settings:
        raise ValueError(
            "name an environment: popgym train ENV (`popgym envs` lists those of POPGym)"
        )
    refuse_typos(Settings.from_dict(settings))
    say_before_import("ray", "starting RLlib")
    from popgym.baselines.train import train

    return _report(train(settings.pop("env"), out=arguments.out, **settings))


def _list_settings() -> int:
    from popgym.runs.setting_names import described
    from popgym.runs.settings import Settings

    rows = [
        {"setting": d.name, "default": d.default, "meaning": d.text} for d in described(Settings)
    ]
    print_table(rows)
    return 0


_CHANGEABLE = "only --steps and --stop-at can be changed"


def _resume(arguments: argparse.Namespace) -> int:
    fixed = (
        "env", "wrappers", "memory", "seed", "config", "runners", "learners", "device",
        "precision", "out",
    )  # fmt: skip
    for name in fixed:
        if getattr(arguments, name) is not None:
            raise ValueError(f"a resumed run keeps its {name}; {_CHANGEABLE}")
    if arguments.assignments:
        raise ValueError(f"a resumed run keeps its settings; {_CHANGEABLE}")
    from popgym.runs.folder import RunFolder

    RunFolder.open(arguments.resume, arguments.trust).latest_checkpoint()
    say_before_import("ray", "starting RLlib")
    from popgym.baselines.train import resume

    changed = {"steps": arguments.steps, "stop_at": arguments.stop_at}
    return _report(resume(arguments.resume, trust=arguments.trust, **changed))


def _report(run: Any) -> int:
    """Print the result and the next command to run; return the exit status."""
    final = run.final_return
    print(f"mean return {final:.3f}" if final is not None else "no episode ended")
    print(f"learning curve: {run.path / 'curve.png'}")
    if run.interrupted:
        print(f"interrupted; resume with: popgym train --resume {run.path}")
        return 130
    print(f"evaluate the agent with: popgym evaluate {run.path}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from popgym.runs.folder import RunFolder
    from popgym.runs.names import environment_of_run

    options = env_options(arguments)
    environment_of_run(RunFolder.open(arguments.folder, arguments.trust), arguments.env, options)
    say_before_import("torch", "loading PyTorch")
    from popgym.runs.evaluate import evaluate

    result = evaluate(
        arguments.folder,
        arguments.env,
        env_options=options,
        episodes=arguments.episodes,
        seed=arguments.seed,
        deterministic=not arguments.sample,
        max_steps=arguments.max_steps,
        trust=arguments.trust,
    )
    print_wrapped(str(result))
    return 0
