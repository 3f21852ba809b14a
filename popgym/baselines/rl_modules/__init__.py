"""The RLModule for RLlib's new API stack.

Here belongs the one module that runs every memory, both in stock RLlib and in popgym's PPO. It may
import Ray, ``popgym.memory``, ``popgym.networks``, ``popgym.core.arguments`` and, for the default
options, ``popgym.runs.settings``.
"""

from popgym.baselines.rl_modules.memory_module import MemoryModule

__all__ = ["MemoryModule"]
