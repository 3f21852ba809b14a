"""PPO on RLlib with rollouts: whole arrays of steps where stock RLlib keeps Python episodes."""

from popgym.baselines.ppo.algorithm import RecurrentPPO, RecurrentPPOConfig
from popgym.baselines.ppo.rollout import Rollout

__all__ = ["RecurrentPPO", "RecurrentPPOConfig", "Rollout"]
