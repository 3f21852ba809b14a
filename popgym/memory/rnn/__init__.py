"""Recurrent networks step by step: the cell, its recurrence, episodes inside rows, torch's layers.

It may import ``popgym.memory.base`` and ``popgym.memory.ops``.
"""
