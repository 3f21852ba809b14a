"""Playing environments by hand in the terminal, and recording them as GIF animations.

Here belong keys and screens, the game that a person plays, and the animation of a policy or a
scripted player. It may import every room but ``popgym.testing``, ``popgym.baselines`` and
``popgym.cli``; it needs neither Ray nor, without a trained policy, torch.
"""

from popgym.play.game import Game
from popgym.play.gif import Gif, make_gif
from popgym.play.references import references
from popgym.play.sitting import play

__all__ = ["Game", "Gif", "make_gif", "play", "references"]
