"""RLlib's new API stack: one RLModule for every memory."""

from popgym.baselines.rl_modules.memory_module import MemoryModule

__all__ = ["MemoryModule"]
