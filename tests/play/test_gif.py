import itertools
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from popgym.envs import find
from popgym.play import make_gif
from popgym.play.animation import Animation
from popgym.play.recording import STRIP
from popgym.players import play_episodes, players_of
from popgym.runs.evaluate import evaluate
from popgym.runs.folder import RunFolder
from tests.play.specimens import Reminded
from tests.runs.specimens import policy, settings

TINY = {"env_options": {"num_bandits": 3, "episode_length": 6}, "player": "random"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pictures(path):
    """All pictures of a file, as they are shown one after the other, [n, H, W, 3]."""
    with Image.open(path) as file:
        frames = []
        for i in range(file.n_frames):
            file.seek(i)
            frames.append(np.array(file.convert("RGB")))
    return np.stack(frames)


def durations(path):
    with Image.open(path) as file:
        return [file.seek(i) or file.info["duration"] for i in range(file.n_frames)]


def test_there_is_a_frame_for_the_beginning_and_each_step_and_all_differ():
    gif = make_gif("MultiarmedBanditEasy", **TINY)
    shown = pictures(gif.path)
    width, height = find("MultiarmedBanditEasy").task().picture_size
    assert gif.frames == len(shown) == 7
    assert shown.shape[1:] == (height + STRIP, width, 3)
    assert all((a != b).any() for a, b in itertools.pairwise(shown))


def test_the_name_says_what_is_played_and_by_whom():
    assert make_gif("MultiarmedBanditEasy", **TINY).path.name == "MultiarmedBanditEasy-random.gif"
    best = make_gif("popgym-RepeatPreviousEasy-v0", steps=1)
    assert best.path.name == "RepeatPreviousEasy-perfect.gif"


@pytest.mark.parametrize("fps", [1, 4, 50])
def test_pictures_follow_at_the_pace_asked_for_and_the_last_stays(fps):
    gif = make_gif("MultiarmedBanditEasy", **TINY, fps=fps)
    assert durations(gif.path) == [1000 // fps] * 6 + [1500]


@pytest.mark.parametrize("name", ["RepeatPreviousEasy", "HigherLowerEasy"])
def test_a_scripted_player_plays_as_in_the_tables(name):
    gif = make_gif(name, player="perfect", seed=5, episodes=2)
    player = players_of(name)["perfect"]
    expected = play_episodes(find(name).task(), player, 2, seed=5, num_envs=1)
    np.testing.assert_allclose(gif.returns, expected)
    assert not gif.cut


def test_an_oracle_is_shown_the_hidden_state():
    gif = make_gif("MultiarmedBanditEasy", player="oracle", seed=3, steps=200)
    oracle = players_of("MultiarmedBanditEasy")["oracle"]
    expected = play_episodes(find("MultiarmedBanditEasy").task(), oracle, 1, seed=3, num_envs=1)
    np.testing.assert_allclose(gif.returns, expected)


@pytest.fixture
def run(tmp_path):
    """The folder of a run with a recurrent policy, untrained, in `Reminded` with k = 5."""
    options = {"env_options": {"k": 5}, "memory": "gru"}
    folder = RunFolder.create(settings("tests.play.specimens:Reminded", **options), tmp_path / "r")
    env = Reminded()
    folder.save_policy(policy(env.observation_space, env.action_space))
    return folder


@pytest.fixture
def same_seeds(monkeypatch):
    """Lets an evaluation reset its environments with the seed that it is given."""
    monkeypatch.setattr("popgym.runs.evaluate.reset_seed", lambda envs, seed, stream: seed)


@pytest.mark.usefixtures("same_seeds")
def test_a_policy_plays_in_its_runs_environment_and_carries_its_memory(run):
    env = run.settings.env
    gif = make_gif(env, run.path, seed=7, episodes=2)
    played = evaluate(run.policy(), env, env_options={"k": 5}, episodes=2, seed=7, num_envs=1)
    np.testing.assert_allclose(gif.returns, played.returns)
    assert gif.path.name == "RepeatPreviousEasy-gru.gif"


@pytest.mark.usefixtures("same_seeds")
def test_an_argument_given_wins_over_the_runs(run):
    env = run.settings.env
    gif = make_gif(env, run.path, seed=7, env_options={"k": 3})
    played = evaluate(run.policy(), env, env_options={"k": 3}, episodes=1, seed=7)
    np.testing.assert_allclose(gif.returns, played.returns)


def test_a_policy_of_other_spaces_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="the policy's observation space is Tuple"):
        make_gif("RepeatPreviousEasy", run.path)
    assert list(tmp_path.glob("*.gif")) == []


def test_an_environment_of_gymnasium_shows_its_own_pictures():
    gif = make_gif("CartPole-v1", player="random", steps=3)
    assert pictures(gif.path).shape == (4, 400 + STRIP, 600, 3)
    assert gif.path.name == "CartPole-v1-random.gif"


def test_a_long_episode_is_cut_and_that_is_told():
    gif = make_gif("LabyrinthEscapeEasy", player="random", steps=5)
    assert (gif.frames, gif.cut) == (6, True)
    gif = make_gif("MultiarmedBanditEasy", **TINY, steps=6)
    assert (gif.frames, gif.cut) == (7, False)
    gif = make_gif("MultiarmedBanditEasy", **TINY, steps=7, episodes=2)
    assert (gif.frames, len(gif.returns), gif.cut) == (9, 2, True)


def test_what_is_hidden_is_shown_only_when_asked_for():
    honest = make_gif("LabyrinthEscapeEasy", player="random", steps=1, out="honest.gif")
    cheat = make_gif("LabyrinthEscapeEasy", player="random", steps=1, out="c.gif", reveal=True)
    env = find("LabyrinthEscapeEasy").env_class()
    env.reset(seed=0)
    for gif, reveal in ((honest, False), (cheat, True)):
        shown = pictures(gif.path)[0, :-STRIP].astype(int)
        assert np.abs(shown - env.picture(reveal)).mean() < 1
    assert np.abs(pictures(honest.path)[0] - pictures(cheat.path)[0].astype(int)).mean() > 5


def test_the_same_seed_gives_the_same_file():
    one = make_gif("MultiarmedBanditEasy", **TINY, seed=3, out="1.gif").path.read_bytes()
    two = make_gif("MultiarmedBanditEasy", **TINY, seed=3, out="2.gif").path.read_bytes()
    other = make_gif("MultiarmedBanditEasy", **TINY, seed=4, out="3.gif").path.read_bytes()
    assert one == two != other


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = make_gif("MultiarmedBanditEasy", **TINY).path
    before = path.read_bytes()
    frames = Animation._frames

    def interrupted(self, *args):
        for number, frame in enumerate(frames(self, *args)):
            if number == 3:
                raise KeyboardInterrupt
            yield frame

    monkeypatch.setattr(Animation, "_frames", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_gif("MultiarmedBanditEasy", **TINY, seed=9)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / path.name]


def test_a_colour_of_a_single_picture_keeps_its_place_in_the_palette(tmp_path):
    animation = Animation(10)
    greys = np.arange(3 * 400).reshape(20, 20, 3) % 256  # more colours than fit
    for number in range(4):
        picture = greys.astype(np.uint8)
        if number == 2:
            picture[5:8, 5:8] = (255, 0, 255)
        animation.add(picture)
    animation.write(tmp_path / "flash.gif")
    shown = pictures(tmp_path / "flash.gif")
    assert len(shown) == 3  # two equal pictures became one that stays longer
    assert np.abs(shown[1, 6, 6].astype(int) - (255, 0, 255)).max() < 16


def test_pictures_are_kept_as_they_are_until_they_are_written():
    animation = Animation(10)
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    animation.add(picture)
    assert zlib.decompress(animation._packed[0]) == picture.tobytes()
    assert len(animation) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 0}, "fps must be from 1 to 50, got 0"),
        ({"fps": float("nan")}, "fps must be from 1 to 50"),
        ({"steps": 0}, "steps must be a whole number at least 1, got 0"),
        ({"episodes": 0}, "episodes must be a whole number at least 1, got 0"),
        ({"out": "a.png"}, "name ends in .gif, not a.png"),
        ({"out": "absent/a.gif"}, "cannot write to the folder absent"),
        ({"run": "r"}, "give a run or a player, not both: r and random"),
        ({"player": "prefect"}, "did you mean"),
    ],
)
def test_a_mistake_is_named_before_anything_is_played(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_gif("RepeatPreviousEasy", **{"player": "random", **arguments})
    assert list(tmp_path.iterdir()) == []


def test_nobody_is_known_to_play_an_environment_of_others():
    with pytest.raises(ValueError, match="there is no scripted player for CartPole-v1: give a RUN"):
        make_gif("CartPole-v1")


def test_nobody_is_known_to_play_a_users_own_environment_but_chance():
    with pytest.raises(ValueError, match="there is no scripted player for tests"):
        make_gif("tests.play.specimens:Own")
    assert make_gif("tests.play.specimens:Own", player="random").frames == 52


def test_an_environment_without_pictures_is_named():
    with pytest.raises(ValueError, match="Countdown' cannot render pictures"):
        make_gif("tests.baselines.ppo.toys:Countdown", player="random")
    with pytest.raises(ValueError, match=r"a picture \[H, W, 3\], got NoneType"):
        make_gif("tests.play.specimens:Blank", player="random")
