"""RecurrentPPO of sb3-contrib with its defaults, or with popgym's settings."""

from sb3_contrib import RecurrentPPO
from stable_baselines3.common.vec_env import DummyVecEnv

from peers.until import make_watched


def train(job, until):
    """Train until ``until`` ends the run."""
    options, num_envs = {}, 1
    if job["settings"] == "popgym":
        s = job["popgym"]
        num_envs = s["num_envs"]
        options = {
            "n_steps": s["rollout"],
            "batch_size": s["minibatch_size"],
            "n_epochs": s["epochs"],
            "learning_rate": s["lr"],
            "gamma": s["gamma"],
            "gae_lambda": s["gae_lambda"],
        }
    envs = DummyVecEnv([make_watched(job["environment"], until)] * num_envs)
    model = RecurrentPPO("MlpLstmPolicy", envs, seed=job["seed"], device="cpu", **options)
    model.learn(2 * job["max_steps"])  # ``until`` ends it before
