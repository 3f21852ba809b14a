"""popgym's PPO as ``popgym train`` runs it, and where its time goes."""

import contextlib
import functools
import time
from dataclasses import replace

from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS

from peers.task import SETTINGS, Iteration
from popgym.baselines.build import algorithm_config
from popgym.baselines.ppo import ppo
from popgym.baselines.ppo.runner import EPISODES, RETURN_SUM


class Ours:
    """popgym's PPO in one process.

    Args:
        precision: See ``popgym train --precision``.
        address: Address of a Ray cluster; not used.
    """

    def __init__(self, precision="float32", address=None):
        settings = replace(SETTINGS, precision=precision)
        self.algorithm = algorithm_config(settings).build_algo()

    def iterate(self, epochs):
        """Sample a batch and train on it for ``epochs`` epochs."""
        set_epochs(self.algorithm, epochs)
        played = self.algorithm.train()[ENV_RUNNER_RESULTS]
        return Iteration(SETTINGS.batch_size, played[RETURN_SUM] / played[EPISODES])

    def breakdown(self, epochs):
        """Return the seconds of one iteration by part and detail: (part, detail) -> seconds."""
        watch = Stopwatch()
        with watch.installed(self.algorithm):
            self.iterate(epochs)
        return watch.seconds


def set_epochs(algorithm, epochs):
    """Set the number of epochs, which RLlib gets from its frozen configuration each iteration."""
    config = algorithm.config.copy(copy_frozen=False)
    config.num_epochs = epochs
    config.freeze()
    algorithm.config = config


PLACES = {
    "train": ("the rest of RLlib", "results, metrics"),
    "training_step": ("the rest of RLlib", "the training step"),
    "sync_weights": ("the rest of RLlib", "weights to the runner"),
    "sample": ("sampling", "writing the rollout"),
    "_call": ("sampling", "environment"),
    "forward of the actor": ("sampling", "network"),
    "choose": ("sampling", "drawing actions"),
    "encode_checked": ("sampling", "encoding"),
    "advantages_and_targets": ("learning", "advantages"),
    "update": ("learning", "RLlib's learner"),
    "update of ppo": ("learning", "backward and cutting minibatches"),
    "forward": ("learning", "forward"),
    "ppo_loss": ("learning", "loss"),
    "_clip_gradients": ("learning", "clipping gradients"),
    "step of the optimiser": ("learning", "optimiser"),
}


class Stopwatch:
    """Sums the time inside each function, without the time inside other measured functions."""

    def __init__(self):
        self.seconds = dict.fromkeys(PLACES.values(), 0.0)
        self._inner = [0.0]  # for each running function, the time of measured functions in it

    @contextlib.contextmanager
    def running(self, name):
        """Count the time of the block as time of ``name``."""
        self._inner.append(0.0)
        begin = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - begin
            self.seconds[PLACES[name]] += taken - self._inner.pop()
            self._inner[-1] += taken

    def function(self, function, name):
        """Return the function with its time measured."""

        @functools.wraps(function)
        def watched(*args, **kwargs):
            with self.running(name):
                return function(*args, **kwargs)

        return watched

    @contextlib.contextmanager
    def installed(self, algorithm):
        """Measure the functions of an algorithm inside the ``with`` block."""
        learner, actor = algorithm.learner_group._learner, algorithm.env_runner.actor
        owners = {
            algorithm: {"train": "train", "training_step": "training_step"},
            algorithm.env_runner_group: {"sync_weights": "sync_weights"},
            algorithm.learner_group: {"update": "update"},
            algorithm.env_runner: {"sample": "sample"},
            actor: {
                "_call": "_call", "forward": "forward of the actor", "choose": "choose",
                "encode_checked": "encode_checked",
            },
            learner: {"forward": "forward", "_clip_gradients": "_clip_gradients"},
            learner.get_optimizer(): {"step": "step of the optimiser"},
            ppo: {
                "advantages_and_targets": "advantages_and_targets", "update": "update of ppo",
                "ppo_loss": "ppo_loss",
            },
        }  # fmt: skip
        with contextlib.ExitStack() as undo:
            for owner, names in owners.items():
                for name, place in names.items():
                    _replace(undo, owner, name, self.function(getattr(owner, name), place))
            yield


def _replace(undo, owner, name, value):
    own = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, value)
    undo.callback(lambda: setattr(owner, name, before) if own else delattr(owner, name))
