"""Parts of pictures that several families share: cards, boards, controls, the heading.

It may import ``popgym.render`` and ``popgym.core``. A picture that one family draws is in the
family's own file.
"""
