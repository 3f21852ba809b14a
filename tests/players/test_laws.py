"""What every player of every family keeps to."""

import numpy as np
import pytest

import popgym.envs
from popgym.players import PLAYERS, players_of

CASES = [
    (family.__name__.removesuffix("Family") + "Easy", player)
    for family, players in PLAYERS.items()
    for player in players
]


class Session:
    """Environments and a player of them, with what was seen and done."""

    def __init__(self, name, player, num_envs, seed):
        self.env = popgym.envs.find(name).vector_class(num_envs, autoreset_mode="SameStep")
        self.player = players_of(name)[player](self.env.family, num_envs, seed)
        self.obs, _ = self.env.reset(seed=seed)
        self.start = np.ones(num_envs, bool)

    def seen(self):
        return self.env.get_state() if self.player.observes_state else self.obs

    def play(self, steps):
        """Yields (what was seen, starts, actions, rewards) of each step."""
        for _ in range(steps):
            seen, start = self.seen(), self.start
            actions = self.player.act(seen, start)
            self.obs, rewards, terminated, truncated, _ = self.env.step(actions)
            self.start = terminated | truncated
            yield seen, start, np.array(actions), rewards


def steps_of(name):
    """Enough to see an episode end, where episodes are short."""
    return min(popgym.envs.find(name).task().max_episode_length + 30, 260)


@pytest.mark.parametrize("name, player", CASES)
def test_a_player_stays_in_the_action_space_and_changes_nothing_it_is_shown(name, player):
    session = Session(name, player, 3, seed=1)
    for _ in range(steps_of(name)):
        before = repr(session.seen())
        actions = session.player.act(session.seen(), session.start)
        assert actions in session.env.action_space
        assert repr(session.seen()) == before
        session.obs, _, terminated, truncated, _ = session.env.step(actions)
        session.start = terminated | truncated


@pytest.mark.parametrize("name, player", CASES)
def test_the_same_seed_gives_the_same_play(name, player):
    first, again = (Session(name, player, 3, seed=2).play(40) for _ in range(2))
    for (*_, actions, _), (*_, same, _) in zip(first, again, strict=True):
        np.testing.assert_array_equal(actions, same)


@pytest.mark.parametrize("name, player", CASES)
def test_nothing_is_remembered_of_the_episode_before(name, player):
    """A player in its second episode plays as a new one does that has the same dice."""
    old = Session(name, player, 1, seed=3)
    list(old.play(100))
    old.obs, _ = old.env.reset(seed=4)
    old.start = np.ones(1, bool)
    new = Session(name, player, 1, seed=4)
    new.player.rng.bit_generator.state = old.player.rng.bit_generator.state
    for (*_, actions, _), (*_, same, _) in zip(old.play(50), new.play(50), strict=True):
        np.testing.assert_array_equal(actions, same)


@pytest.mark.parametrize("name, player", CASES)
def test_an_environment_is_played_alike_whatever_plays_beside_it(name, player):
    """Each environment's own episode; of players with dice only the first action is compared."""
    alone, among = Session(name, player, 1, seed=5), Session(name, player, 3, seed=5)
    dice = alone.player.rng.bit_generator.state
    for (*_, actions, _), (*_, three, _) in zip(alone.play(60), among.play(60), strict=True):
        if alone.player.rng.bit_generator.state != dice:
            return
        np.testing.assert_array_equal(actions[0], three[0])


@pytest.mark.parametrize("name, player", CASES)
def test_a_player_says_in_a_line_how_it_plays(name, player):
    how = players_of(name)[player].how()
    assert 10 < len(how) < 100 and how.endswith(".")
