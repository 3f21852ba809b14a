"""Train POPGym's custom models (ModelV2) with stock RLlib PPO on the old API stack.

    python examples/stock_rllib_custom_model.py --steps 40000 --model lstm

The task is to name the suit of the card shown three steps ago. The script prints one line per
iteration: the environment steps so far, steps per second, and the mean return of an episode.
Guessing gives about -0.5, and the maximum is 1.
"""

import argparse
import time

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

from popgym.baselines.ray_models.ray_frameconv import Frameconv
from popgym.baselines.ray_models.ray_lstm import LSTM
from popgym.baselines.ray_models.ray_s4d import S4D
from popgym.envs import RepeatPreviousEasy

# the name on the command line -> the model, and options of its MODEL_CONFIG
MODELS = {
    "frameconv": (Frameconv, {"stack_size": 4}),  # a receptive field of four inputs
    "lstm": (LSTM, {"num_recurrent_layers": 1}),
    "s4d": (S4D, {"embedding": "sine"}),  # with a time embedding, which is off by default
}


def make_config(name: str) -> PPOConfig:
    model, options = MODELS[name]
    register_env("RepeatPreviousEasy", lambda config: RepeatPreviousEasy(**config))
    return (
        PPOConfig()
        .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
        .environment("RepeatPreviousEasy")
        .framework("torch")
        .debugging(seed=0, log_level="ERROR")
        .env_runners(num_env_runners=0, num_envs_per_env_runner=32, rollout_fragment_length=64)
        .training(
            train_batch_size=2048,
            minibatch_size=512,
            num_epochs=5,
            lr=1e-3,
            gamma=0.9,
            model={
                "custom_model": model,
                "max_seq_len": 64,
                # any option of the model's MODEL_CONFIG and BASE_CONFIG; parts are sizes or modules
                "custom_model_config": {
                    **options,
                    "preprocessor_input_size": 64,
                    "hidden_size": 64,
                    "actor": [64],
                    "critic": [64],
                },
            },
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", type=int, default=40_000, help="total number of environment steps"
    )
    parser.add_argument("--model", choices=MODELS, default="frameconv")
    args = parser.parse_args()

    torch.set_num_threads(1)  # for such small networks more threads are slower
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    algorithm = make_config(args.model).build_algo()
    began, done = time.perf_counter(), 0
    while done < args.steps:
        result = algorithm.train()
        done = result["num_env_steps_sampled_lifetime"]
        speed = done / (time.perf_counter() - began)
        mean_return = result["env_runners"]["episode_return_mean"]
        print(f"{done:>8,} steps {speed:>8,.0f} steps/s   return {mean_return:6.3f}", flush=True)
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
