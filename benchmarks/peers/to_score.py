"""Train one contestant until it reaches a score, in this process, and print what it took.

    python -m peers.to_score '{"contestant": "sb3", "settings": "own", "environment": ...}'

The last line of standard output is the result as JSON. ``time_to_score.py`` starts it.
"""

import contextlib
import importlib
import json
import sys
import time
import warnings

from peers.until import Ended, Until, make

MODULES = {
    "popgym_frameconv": "peers.score_popgym",
    "popgym_gru": "peers.score_popgym",
    "rllib": "peers.score_rllib",
    "sb3": "peers.score_sb3",
    "cleanrl": "peers.lstm_ppo",
}
"""Contestant -> a module with ``train(job, until)``, which makes environments and trains."""


def warm_up(name):
    """Play a step and make an update of an LSTM that nobody uses.

    Then compiling the environment, and what torch imports at its first update, are not part of the
    training.
    """
    import torch

    lstm = torch.nn.LSTM(1, 1)
    optimizer = torch.optim.Adam(lstm.parameters())
    optimizer.zero_grad()
    lstm(torch.zeros(1, 1, 1))[0].sum().backward()
    torch.nn.utils.clip_grad_norm_(lstm.parameters(), 1.0)
    optimizer.step()
    env = make(name)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()


def run(job):
    """Train as the job says; return the result.

    Args:
        job: contestant, settings, environment, target, seed, max_seconds and max_steps.
    """
    begin = time.perf_counter()
    import torch

    torch.set_num_threads(1)
    module = importlib.import_module(MODULES[job["contestant"]])
    until = Until(job["target"], job["max_seconds"], job["max_steps"])
    warm_up(job["environment"])
    with contextlib.suppress(Ended):
        module.train(job, until)
    if not until.steps:
        raise RuntimeError(f"{job['contestant']} made no step that was counted")
    return {
        "reached": until.reached,
        "seconds": until.seconds,
        "steps": until.steps,
        "episodes": until.episodes,
        "mean_return": until.mean,
        "startup": until.began - begin,
    }


def main():
    warnings.simplefilter("ignore")
    result = run(json.loads(sys.argv[1]))
    print("\n" + json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
