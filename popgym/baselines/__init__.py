"""Everything that uses Ray: custom models, RLModules, recurrent PPO, and ``popgym.train``.

Import what you need from ``popgym.baselines.ray_models`` (RLlib's old API stack),
``popgym.baselines.rl_modules`` (its new one) or ``popgym.baselines.ppo``.
"""
