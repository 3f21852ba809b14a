import pytest

from popgym.baselines.build import running_algorithm
from popgym.runs.settings import Settings

SMALL = {
    "num_envs": 8,
    "rollout": 16,
    "epochs": 2,
    "minibatch_size": 64,
    "lr_final": None,  # so that a run does not depend on how long it will be
    "network": {"preprocessor_input_size": 16, "preprocessor": [16], "hidden_size": 16,
                "actor": [16], "critic": [16]},
}  # fmt: skip


@pytest.fixture
def build():
    """Builds small algorithms; all are stopped when the test ends."""
    contexts = []

    def _build(env="RepeatPreviousEasy", **overrides):
        context = running_algorithm(Settings(env=env, **{**SMALL, **overrides}).resolved())
        contexts.append(context)
        return context.__enter__()

    yield _build
    for context in contexts:
        context.__exit__(None, None, None)
