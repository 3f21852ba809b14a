"""Conversion of Gymnasium spaces to network inputs and to JSON.

This package holds the flattening of observations and actions, the layout of a network's input, and
the description of spaces in files. It may import ``popgym.core``, but neither torch nor Ray.
"""
