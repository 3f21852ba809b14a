"""Partially observable environments and memory models for reinforcement learning."""

__version__ = "2.0.0.dev0"
