"""The mathematics that memories run on: scans, matrix memories in chunks, convolutions, resets.

Here belong functions and layers that several memories share; none of them is a memory. It may
import ``popgym.memory.base`` and nothing else of popgym.
"""
