"""``popgym play`` and ``popgym gif`` as commands: what they print, and their exit status."""

import os
import subprocess
import sys

import pytest

from popgym.envs import RepeatPreviousEasy
from popgym.play import Game
from tests.complaints import without_compiling


def played(actions, seed, **arguments):
    """The score of some actions, from the environment itself."""
    env = RepeatPreviousEasy(**arguments)
    env.reset(seed=seed)
    return sum(env.step(action)[1] for action in actions)


def test_a_piped_game_ends_with_its_score_so_far(popgym):
    status, out, err = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\n1\n2\n3\n1\n")
    assert (status, err) == (0, "")
    expected = played([0, 1, 2, 3, 1], seed=3)
    assert expected != 0
    assert out.splitlines()[-1] == f"score so far {expected:+.3f} after 5 steps"


def test_a_whole_piped_game_ends_with_its_score_and_those_of_others(popgym):
    actions = [(7 * i) % 4 for i in range(51)]
    typed = "".join(f"{action}\n" for action in actions)
    status, out, _ = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed=typed)
    assert status == 0
    score = played(actions, seed=3)
    *_, over, others, again = out.splitlines()
    assert over == f"the episode is over: score {score:+.3f} after 51 steps"
    assert others.startswith("average scores of others: random -0.")
    assert "perfect +1.000" in others
    assert again == "another episode? y or n"


def test_the_rest_of_a_piped_line_may_lack_its_end(popgym):
    _, out, _ = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\n1")
    assert out.splitlines()[-1].endswith("after 2 steps")


def test_a_piped_q_ends_the_game_and_leaves_the_rest(popgym):
    _, out, _ = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\nq\n1\n")
    assert out.splitlines()[-1].endswith("after 1 steps")


def test_a_piped_new_episode_is_told_with_its_seed(popgym):
    _, out, _ = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\nr\n")
    assert [line for line in out.splitlines() if "seed" in line] == [
        "RepeatPreviousEasy   seed 3",
        "RepeatPreviousEasy   seed 4",
    ]


def test_a_wrong_line_is_answered_and_steps_nothing(popgym):
    _, out, _ = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\nten\n5\n1\n")
    assert (
        "'ten' is not an action: type 0 spades, 1 diamonds, 2 clubs, 3 hearts (? for help)" in out
    )
    assert "'5' is not an action" in out
    assert out.splitlines()[-1].endswith("after 2 steps")


def test_arguments_of_the_environment_are_set(popgym):
    _, out, _ = popgym("play", "RepeatPreviousEasy", "--set", "env.k=8", typed="0\n")
    assert "which suit was 7 before?" in out


@pytest.mark.parametrize("flags", [[], ["--cheat"]])
def test_only_cheats_see_the_mines(popgym, flags):
    _, out, _ = popgym("play", "MineSweeperEasy", "--seed", 1, *flags)
    assert ("*" in out) == bool(flags)


def test_no_input_at_all_ends_in_good_order(popgym):
    status, out, err = popgym("play", "LabyrinthEscapeEasy", "--seed", 1)
    assert (status, err) == (0, "")
    assert "LabyrinthEscapeEasy   seed 1" in out


def test_ctrl_c_ends_a_piped_game_with_its_score_so_far(popgym, monkeypatch):
    enter = Game.enter

    def interrupted(self, word):
        if word.strip() == "1":
            raise KeyboardInterrupt
        return enter(self, word)

    monkeypatch.setattr(Game, "enter", interrupted)
    status, out, err = popgym("play", "RepeatPreviousEasy", "--seed", 3, typed="0\n1\n2\n")
    assert (status, err) == (130, "")
    assert out.splitlines()[-1] == "score so far +0.000 after 1 steps"


def test_a_gif_is_told_by_its_path_frames_and_return(popgym, tmp_path):
    status, out, err = popgym("gif", "RepeatPreviousEasy", "--seed", 2)
    assert (status, err) == (0, "")
    assert out == "RepeatPreviousEasy-perfect.gif: 52 frames, return +1.000\n"
    assert [path.name for path in tmp_path.iterdir()] == ["RepeatPreviousEasy-perfect.gif"]


def test_a_cut_gif_says_so(popgym):
    words = ["gif", "HigherLowerEasy", "--steps", 2, "--player", "random", "--out", "h.gif"]
    status, out, err = popgym(*words)
    assert status == 0
    assert err == "popgym: stopped after 2 steps; raise --steps to show more\n"
    assert out.startswith("h.gif: 3 frames, return ")


def test_the_scores_of_an_environment_are_a_table(popgym):
    status, out, _ = popgym("scores", "RepeatPreviousEasy")
    header, *rows = out.splitlines()
    assert status == 0
    assert header.split() == ["player", "mean", "return", "standard", "error", "episodes", "how"]
    assert [row.split()[0] for row in rows][:1] == ["random"]
    assert any(row.startswith("perfect") and "+1.000" in row for row in rows)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["play", "RepeatPreviosEasy"], "did you mean RepeatPreviousEasy"),
        (["play", "CartPole-v1"], "only environments made of a popgym Family can be played"),
        (["play", "RepeatPreviousEasy", "--set", "k=8"], "--set takes env.KEY=VALUE here"),
        (["play", "RepeatPreviousEasy", "--set", "env.kk=8"], "did you mean 'k'"),
        (["play", "RepeatPreviousEasy", "--set", "env.k=99"], "k must be a whole number"),
        (["play", "RepeatPreviousEasy", "--seed", "-1"], "--seed"),
        (["gif", "BatleshipEasy"], "did you mean BattleshipEasy"),
        (["gif", "RepeatPreviousEasy", "--player", "perfct"], "did you mean 'perfect'"),
        (["gif", "RepeatPreviousEasy", "absent"], "there is no run folder absent"),
        (["gif", "RepeatPreviousEasy", "--fps", "fast"], "--fps"),
        (["gif", "RepeatPreviousEasy", "--fps", "99"], "fps must be from 1 to 50, got 99"),
        (["gif", "RepeatPreviousEasy", "--steps", "0"], "steps must be a whole number"),
        (["scores", "RepeatPreviosEasy"], "did you mean"),
    ],
)
def test_a_mistake_is_one_line_with_status_2_and_leaves_nothing(popgym, tmp_path, argv, message):
    status, out, err = popgym(*argv)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("popgym: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_pillow_is_named_with_the_remedy(popgym, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    status, out, err = popgym("gif", "RepeatPreviousEasy")
    assert (status, out) == (2, "")
    assert err == "popgym: pictures are drawn with Pillow: pip install 'popgym[render]'\n"


def test_a_users_own_environment_can_be_played(popgym):
    status, out, _ = popgym("play", "tests.play.specimens:Own", "--seed", 3, typed="0\n1\n")
    expected = played([0, 1], seed=3, k=2)
    assert status == 0
    assert out.splitlines()[-1] == f"score so far {expected:+.3f} after 2 steps"


def test_text_beyond_the_encoding_of_the_pipes_does_no_harm(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "popgym", "play", "RepeatPreviousEasy", "--seed", "3"],
        input=b"0\n\xff\xfe\n1\n", capture_output=True, cwd=tmp_path, timeout=240, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert (done.returncode, without_compiling(done.stderr.decode())) == (0, "")
    assert b"card 1 of 52: ?" in done.stdout
    assert b"is not an action" in done.stdout
    assert done.stdout.endswith(b"score so far +0.000 after 2 steps\n")


def test_a_process_plays_what_is_piped_into_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "popgym", "play", "RepeatPreviousEasy", "--seed", "3"],
        input="0\n1\n", capture_output=True, text=True, cwd=tmp_path, timeout=240, check=False,
    )  # fmt: skip
    assert (done.returncode, without_compiling(done.stderr)) == (0, "")
    assert done.stdout.endswith("score so far +0.000 after 2 steps\n")
