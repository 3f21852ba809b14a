"""Parts of pictures that several families share: cards, boards, controls, the heading.

This package may import ``popgym.render`` and ``popgym.core``. Pictures of a single family are in
the family's own file.
"""
