"""Train any memory with stock RLlib PPO on the new API stack, with popgym's RLModule.

    python examples/stock_rllib_new_stack.py --steps 40000 --memory gru

The task is to name the suit of the card shown three steps ago. The script prints one line per
iteration: the environment steps so far, steps per second, and the mean return of an episode.
Guessing gives about -0.5, and the maximum is 1.
"""

import argparse
import time

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.env_to_module import FlattenObservations
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.tune.registry import register_env

from popgym.baselines.rl_modules import MemoryModule
from popgym.envs import RepeatPreviousEasy
from popgym.memory import MEMORIES


def make_config(memory: str) -> PPOConfig:
    register_env("RepeatPreviousEasy", lambda config: RepeatPreviousEasy(**config))
    return (
        PPOConfig()
        .environment("RepeatPreviousEasy")
        .debugging(seed=0, log_level="ERROR")
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=32,
            rollout_fragment_length=64,
            # the observations are Discrete; the module needs flat arrays
            env_to_module_connector=lambda *args, **kwargs: FlattenObservations(),
        )
        .training(
            train_batch_size_per_learner=2048, minibatch_size=512, num_epochs=5, lr=1e-3, gamma=0.9
        )
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=MemoryModule,
                model_config={
                    "memory": memory,  # options of the memory, such as "stack_size": 4, go here too
                    "max_seq_len": 52,
                    "preprocessor_input_size": 64,
                    "hidden_size": 64,
                    "actor": [64],
                    "critic": [64],
                },
            )
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", type=int, default=40_000, help="total number of environment steps"
    )
    parser.add_argument("--memory", default="frameconv", help=f"one of {', '.join(MEMORIES)}")
    args = parser.parse_args()

    torch.set_num_threads(1)  # for such small networks more threads are slower
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    algorithm = make_config(args.memory).build_algo()
    began, done = time.perf_counter(), 0
    while done < args.steps:
        result = algorithm.train()["env_runners"]
        done = int(result["num_env_steps_sampled_lifetime"])
        speed = done / (time.perf_counter() - began)
        mean_return = result["episode_return_mean"]
        print(f"{done:>8,} steps {speed:>8,.0f} steps/s   return {mean_return:6.3f}", flush=True)
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
