"""Recurrent networks computed step by step.

Here belong the interface of a cell, the recurrence that runs a cell over time, the splitting of
rows into episodes, and the wrappers of torch's own layers. It may import ``popgym.memory.base`` and
``popgym.memory.ops``.
"""
