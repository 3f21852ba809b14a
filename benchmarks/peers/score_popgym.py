"""popgym's PPO with the default settings of ``popgym train``."""

import sys

from peers.until import WatchedVector
from popgym.baselines.build import running_algorithm
from popgym.runs.rollout_length import with_rollout
from popgym.runs.settings import Settings
from popgym.runs.source import source_of


def train(job, until):
    """Train until ``until`` ends the run."""
    settings = Settings(
        job["environment"],
        job["contestant"].removeprefix("popgym_"),
        steps=job["max_steps"],
        seed=job["seed"],
        threads=1,
    )
    settings = with_rollout(settings, source_of(settings.env)).resolved()
    with running_algorithm(settings) as algorithm:
        actor = algorithm.env_runner.actor
        actor.env = WatchedVector(actor.env, until)
        while True:
            algorithm.train()
            if not until.steps:
                sys.exit("popgym's actor does not step the environment that is watched")
