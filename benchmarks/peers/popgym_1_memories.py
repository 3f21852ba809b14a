"""Train the memories of POPGym 1.0.7, in an interpreter that has it.

The script gets lines ``module class B T F D threads`` on standard input. It answers each with the
seconds of one forward and backward pass, or with the error. It imports nothing of popgym 2.
"""

import importlib
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import torch  # noqa: E402
from gymnasium.spaces import Box, Discrete  # noqa: E402


def build(module, name, features, hidden):
    found = getattr(importlib.import_module(f"popgym.baselines.ray_models.{module}"), name)
    sizes = ("preprocessor_input_size", "preprocessor_output_size")  # its DNC uses the first
    options = {**dict.fromkeys(sizes, features), "hidden_size": hidden}
    config = {"max_seq_len": 1024, "custom_model_config": options}
    return found(Box(-1, 1, (features,)), Discrete(4), 4, config, "model", **options)


def step(model, rows, steps):
    z = torch.randn(rows, steps, model.cfg["preprocessor_output_size"], requires_grad=True)
    state = [s.unsqueeze(0).repeat(rows, *[1] * s.dim()) for s in model.initial_state()]
    begin = time.perf_counter()
    y, _ = model.forward_memory(z, state, torch.zeros(rows).long(), torch.full((rows,), steps))
    y.sum().backward()
    return time.perf_counter() - begin


def main():
    models = {}
    for line in sys.stdin:
        module, name, *numbers = line.split()
        rows, steps, features, hidden, threads = map(int, numbers)
        torch.set_num_threads(threads)
        try:
            if name not in models:
                models[name] = build(module, name, features, hidden)
                step(models[name], rows, steps)
            print("seconds", step(models[name], rows, steps), flush=True)
        except Exception as error:
            print("error", type(error).__name__, " ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    main()
