"""The memories, one a file, under the names that users know them by.

A small cell lives with its memory. A model may import ``popgym.memory.base``, ``popgym.memory.rnn``
and ``popgym.memory.ops``, and another model that it is made of.
"""
