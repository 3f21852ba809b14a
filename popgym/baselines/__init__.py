"""Everything that uses Ray: custom models, RLModules, recurrent PPO, and ``popgym.train``.

Here belongs all code that imports Ray. It may import every other part of popgym except
``popgym.players``, ``popgym.play``, ``popgym.testing`` and ``popgym.cli``. Users import from
``popgym.baselines.ray_models`` (RLlib's old API stack), ``popgym.baselines.rl_modules`` (RLlib's
new API stack) or ``popgym.baselines.ppo``.
"""
