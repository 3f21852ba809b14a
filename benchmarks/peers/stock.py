"""RLlib's own PPO: the new stack with our module or its LSTM, and the old stack with our model."""

import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.tune.registry import register_env

from peers.ours import set_epochs
from peers.task import EPISODE, SETTINGS, FlatSingle, FlatVector, Iteration
from popgym.baselines.ray_models.ray_frameconv import Frameconv
from popgym.baselines.rl_modules import MemoryModule


class Stock:
    """PPO of RLlib.

    Args:
        address: Address of a Ray cluster; None starts a new one.
    """

    def __init__(self, address=None):
        ray.init(address, log_to_driver=False)
        register_env("flat", make_env)
        self.algorithm = self.config().build_algo()
        self._steps = 0

    def iterate(self, epochs):
        """Sample a batch and train on it for ``epochs`` epochs."""
        set_epochs(self.algorithm, epochs)
        result = self.algorithm.train()
        total = self.lifetime_steps(result)
        steps, self._steps = total - self._steps, total
        return Iteration(int(steps), float(result["env_runners"]["episode_return_mean"]))

    def lifetime_steps(self, result):
        """Return the environment steps so far; the stacks report them in different places."""
        return result["env_runners"]["num_env_steps_sampled_lifetime"]

    def config(self):
        """Return the configuration that both stacks share; batches are as large as popgym's."""
        s = SETTINGS
        return (
            PPOConfig()
            .environment("flat")
            .framework("torch")
            .env_runners(
                num_env_runners=0,
                num_envs_per_env_runner=s.num_envs,
                rollout_fragment_length=s.rollout,
            )
            .training(
                minibatch_size=s.minibatch_size,
                lr=s.lr, gamma=s.gamma, lambda_=s.gae_lambda, clip_param=s.clip,
                vf_clip_param=float("inf"), vf_loss_coeff=s.value_coefficient,
                entropy_coeff=s.entropy_coefficient, use_kl_loss=False, kl_coeff=0.0,
                grad_clip=s.grad_clip,
            )
            .debugging(seed=s.seed, log_level="ERROR")
        )  # fmt: skip


class NewStack(Stock):
    """Native vector environment and our module; chunks of episode length need least padding."""

    def config(self):
        """Return the configuration with batches, environments and network of the new stack."""
        return (
            super()
            .config()
            .env_runners(gym_env_vectorize_mode="vector_entry_point")
            .training(train_batch_size_per_learner=SETTINGS.batch_size)
            .rl_module(**self.module())
        )

    def module(self):
        """Return the network as arguments of ``rl_module``."""
        config = {"memory": "frameconv", "max_seq_len": EPISODE, **SETTINGS.network}
        return {"rl_module_spec": RLModuleSpec(module_class=MemoryModule, model_config=config)}


class NewStackLSTM(NewStack):
    """RLlib's own LSTM with the hidden size of our memory."""

    def module(self):
        """Return the network as arguments of ``rl_module``."""
        model_config = DefaultModelConfig(
            fcnet_hiddens=[128], use_lstm=True, lstm_cell_size=256, max_seq_len=EPISODE
        )
        return {"model_config": model_config}


class OldStack(Stock):
    """Our custom model; the old stack does not support Gymnasium's vector environments."""

    def config(self):
        """Return the configuration with batches and network of the old stack."""
        options = {"embedding": None, **SETTINGS.network}
        return (
            super()
            .config()
            .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
            .training(
                train_batch_size=SETTINGS.batch_size,
                model={
                    "custom_model": Frameconv,
                    "max_seq_len": EPISODE,
                    "custom_model_config": options,
                },
            )
        )

    def lifetime_steps(self, result):
        """Return the environment steps so far; the stacks report them in different places."""
        return result["num_env_steps_sampled_lifetime"]


def make_env(config):
    """Make a vector environment if RLlib asks for one, else a single environment."""
    return FlatVector(config["num_envs"]) if "num_envs" in config else FlatSingle()
