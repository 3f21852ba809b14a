"""Gymnasium spaces: as rows of numbers for a network, and as JSON for a file.

Here belong the flattening of observations and actions, the layout of a network's input, and the
description of spaces in files. It may import ``popgym.core``; neither torch nor Ray.
"""
