"""Computations that memories share: scans, chunked matrix memories, convolutions, resets.

Here belong functions and layers that several memories use. None of them is a memory itself. It may
import ``popgym.memory.base`` and nothing else of popgym.
"""
