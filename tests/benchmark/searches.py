"""Folders of searches with made-up runs, for the tests of tuning."""

from popgym.benchmark.tuning.request import Request
from popgym.benchmark.tuning.store import TuneFolder
from popgym.runs.folder import RunFolder

TINY = {
    "num_envs": 4, "rollout": 16, "minibatch_size": 64, "epochs": 1, "network.hidden_size": 8,
    "network.preprocessor": [8], "network.preprocessor_input_size": 8, "network.actor": [8],
    "network.critic": [8],
}  # fmt: skip
"""Settings with which a trial of some hundred steps takes about a second."""


def asked(path, *, env="RepeatPreviousEasy", memory="frameconv", **given):
    """The folder of a search of 900 steps, of which no trial has begun."""
    folder = TuneFolder.open_or_create(path)
    folder.ask(Request.of(env, memory, **{"steps": 900, "trials": 3, **given}), "popgym tune …")
    return folder


def begin(trial, returns, *, done=False, early=False, checkpoint=None):
    """Give a trial a run folder with an iteration of 100 steps for each mean return.

    Args:
        trial: The trial.
        returns: Mean returns of 100 episodes each; None: no episode ended.
        done: Whether it has ended.
        early: Whether the search has ended it early.
        checkpoint: The iteration of its checkpoint; None: it has none.
    """
    run = RunFolder.create(trial.settings.resolved(), trial.path)
    for iteration, mean in enumerate(returns, 1):
        run.append(
            {"iteration": iteration, "steps": 100 * iteration, "seconds": float(iteration),
             "episodes": 0 if mean is None else 100, "return_mean": mean}
        )  # fmt: skip
    if checkpoint is not None:
        with run.checkpoint(checkpoint) as path:
            path.mkdir()
    if early:
        trial.end_early(100 * len(returns), returns[-1])
    if done:
        trial.note_end()
