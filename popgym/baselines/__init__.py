"""Everything that knows Ray: custom models, RLModules, and PPO on rollouts.

Import what you need from ``popgym.baselines.ray_models`` (RLlib's old API stack),
``popgym.baselines.rl_modules`` (its new one) or ``popgym.baselines.ppo``.
"""
