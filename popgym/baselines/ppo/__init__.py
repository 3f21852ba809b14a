"""PPO on RLlib with tapes: whole arrays of steps where stock RLlib keeps Python episodes."""

from popgym.baselines.ppo.algorithm import TapePPO, TapePPOConfig
from popgym.baselines.ppo.rollout import Tape

__all__ = ["Tape", "TapePPO", "TapePPOConfig"]
